"""
PyTorch's side of the round trip of files: writes one network's state_dict as `.pth` in both
formats and as `.safetensors`, and reads what bneck made of it. Every bit must come back.
"""
import warnings

import torch

from networks import build_network, lively_network
from tensor_files import read_tensors, write_tensors

# Where decimal or double-precision detours would show: signed zero, subnormals, infinities, a NaN with a payload.
SPECIAL_BITS = (0x80000000, 0x00000001, 0x807FFFFF, 0x7F800000, 0xFF800000, 0x7FC12345, 0x3F800001, 0x7F7FFFFF)
# No double holds it.
BATCHES_TRACKED = 2**53 + 1


def write_files(spec, folder):
    """The same state_dict as zip.pth, legacy.pth, checkpoint.pth and plain.safetensors."""
    network, _ = lively_network(spec["architecture"], 64, 64, spec["seed"])
    state = network.state_dict()
    first = next(value for value in state.values() if value.dim() == 4).view(-1)
    first[: len(SPECIAL_BITS)] = torch.tensor(SPECIAL_BITS).to(torch.int32).view(torch.float32)
    for name, value in state.items():
        if name.endswith("num_batches_tracked"):
            value.fill_(BATCHES_TRACKED)
    torch.save(state, f"{folder}/zip.pth")
    torch.save(state, f"{folder}/legacy.pth", _use_new_zipfile_serialization=False)
    wrapped = {f"module.{name}": value for name, value in state.items()}
    torch.save({"epoch": 3, "model": wrapped}, f"{folder}/checkpoint.pth")
    write_tensors(f"{folder}/plain.safetensors", state)
    return {}


def differing_bits(state, loaded):
    """How many elements differ in a bit, a dtype, a shape or a name."""
    if list(state) != list(loaded):
        return max(len(state), 1)
    differing = 0
    for name, value in state.items():
        other = loaded[name]
        if value.dtype != other.dtype or value.shape != other.shape:
            differing += value.numel()
            continue
        bits = torch.int32 if value.dtype == torch.float32 else torch.int64
        differing += int((value.view(bits) != other.view(bits)).sum()) if value.dim() else int(value != other)
    return differing


def compare_file(spec, folder):
    """Reads a file of bneck's into a fresh network, strictly, and counts elements that are not the same bits."""
    state = torch.load(f"{folder}/zip.pth")
    path = f"{folder}/{spec['file']}"
    loaded = torch.load(path, weights_only=True) if path.endswith(".pth") else read_tensors(path)
    network = build_network(spec["architecture"])
    network.load_state_dict(loaded)
    elements = sum(value.numel() for value in state.values())
    return {"differing": max(differing_bits(state, loaded), differing_bits(state, network.state_dict())), "elements": elements}


warnings.filterwarnings("ignore", category=UserWarning)
