"""The logits of one network in PyTorch, in single and in double precision, for normalised pictures."""
import copy

import torch

from networks import channels_last_bytes, lively_network, normalize, picture_bytes
from tensor_files import write_tensors


@torch.no_grad()
def logits(spec, folder):
    """Weights, pictures as bytes [N, H, W, 3] and normalised [N, 3, H, W], and the logits of both."""
    height, width = spec["height"], spec["width"]
    network, generator = lively_network(spec["architecture"], height, width, spec["seed"])
    write_tensors(f"{folder}/weights.safetensors", network.state_dict())
    pictures = picture_bytes(spec["batch"], height, width, generator)
    inputs = normalize(pictures)
    single = network(inputs)
    double = copy.deepcopy(network).double()
    tensors = {
        "pictures": channels_last_bytes(pictures),
        "inputs": inputs,
        "single": single,
        "double": double(inputs.double()),
        "double of bytes": double(normalize(pictures, torch.float64)),
    }
    write_tensors(f"{folder}/logits.safetensors", tensors)
    return {}
