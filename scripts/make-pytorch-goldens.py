"""Writes tests/golden/pytorch: small files of torch.save in both of its formats, and expected.json with the
tensors that must come out of them. Run where PyTorch is installed (any version from 1.10 on); the files that
stand there are of the version that expected.json names. Then let the formatter lay expected.json out. Never
shipped.

expected.json: by file name, the options to read it with, the key and the ignored names that must be found, and
for each tensor its dtype here (float32 or int64), its shape, and its elements' bytes in hex, little-endian.
"""
import argparse
import collections
import json
import os
import warnings

import torch

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "golden", "pytorch")
warnings.filterwarnings("ignore")


def expected(tensor):
    """What bneck must make of a tensor."""
    tensor = tensor.detach()
    floating = tensor.dtype.is_floating_point
    wide = tensor.to(torch.float32 if floating else torch.int64).contiguous()
    return {
        "dtype": "float32" if floating else "int64",
        "shape": list(wide.shape),
        "hex": wide.numpy().tobytes().hex(),
    }


def dtypes():
    values = torch.tensor([0.0, -0.0, 1.5, -2.25, float("inf"), 6.1e-5])
    tensors = collections.OrderedDict()
    for dtype in (torch.float32, torch.float64, torch.float16, torch.bfloat16):
        tensors[str(dtype)] = values.to(dtype)
    for dtype in (torch.int64, torch.int32, torch.int16, torch.int8):
        tensors[str(dtype)] = torch.tensor([[0, 1, -1], [127, -128, 5]], dtype=dtype)
    tensors["torch.uint8"] = torch.tensor([0, 200, 255], dtype=torch.uint8)
    tensors["torch.bool"] = torch.tensor([True, False, True])
    tensors["scalar"] = torch.tensor(12345678901)
    tensors["empty"] = torch.zeros(2, 0, 3)
    return tensors


def views():
    """Tensors that share storages, from the middle, transposed, expanded, and as parameters."""
    base = torch.arange(24.0).reshape(2, 3, 4)
    tied = torch.nn.Parameter(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    return collections.OrderedDict(
        whole=base,
        transposed=base.permute(2, 0, 1),
        middle=base[1, 1:, 1:3],
        every_other=base.reshape(-1)[1::2],
        expanded=base[0, 0, :1].expand(5, 1),
        first=tied,
        second=tied,
        channels_last=torch.arange(48.0).reshape(2, 3, 2, 4).contiguous(memory_format=torch.channels_last),
    )


def network():
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Conv2d(2, 4, 3, bias=False), torch.nn.BatchNorm2d(4), torch.nn.Linear(4, 2))


def checkpoint():
    """What a training script keeps: weights, their average, optimizer, options, and a class of its own."""
    model = network()
    average = torch.optim.swa_utils.AveragedModel(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    for _ in range(2):
        loss = model[2](model[1](model[0](torch.ones(2, 2, 3, 3))).flatten(1)).sum()
        loss.backward()
        optimizer.step()
    average.update_parameters(model)
    return {
        "model": torch.nn.DataParallel(model).state_dict(),
        "model_ema": average.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epoch": 7,
        "accuracy": 0.5,
        "args": argparse.Namespace(lr=0.1, device=torch.device("cpu"), size=torch.Size([3, 4]), dtype=torch.float16),
        "names": {"cat", "dog"},
        "random": torch.get_rng_state()[:16].clone(),
    }


def main():
    os.makedirs(HERE, exist_ok=True)
    files = {}

    def save(name, value, tensors, key="", options=None, ignored=(), **arguments):
        torch.save(value, os.path.join(HERE, name), **arguments)
        files[name] = {
            "options": options or {},
            "key": key,
            "ignored": list(ignored),
            "tensors": {name: expected(tensor) for name, tensor in tensors.items()},
        }

    old = {"_use_new_zipfile_serialization": False}
    for format_name, arguments in (("zip", {}), ("legacy", old)):
        save(f"dtypes-{format_name}.pth", dtypes(), dtypes(), **arguments)
        save(f"views-{format_name}.pth", views(), views(), **arguments)
        kept = checkpoint()
        unwrapped = {name.replace("module.", ""): tensor for name, tensor in kept["model"].items()}
        save(f"checkpoint-{format_name}.pth", kept, unwrapped, "model", {"key": "model"}, **arguments)
    kept = checkpoint()
    average = {name[7:]: tensor for name, tensor in kept["model_ema"].items() if name != "n_averaged"}
    save("average.pth", kept, average, "model_ema", ignored=["n_averaged"])
    weights = network().state_dict()
    for protocol in (1, 3, 4, 5):
        save(f"protocol-{protocol}.pth", weights, weights, pickle_protocol=protocol)
        save(f"protocol-{protocol}-legacy.pth", weights, weights, pickle_protocol=protocol, **old)
    with open(os.path.join(HERE, "expected.json"), "w") as file:
        json.dump({"torch": torch.__version__, "files": files}, file, indent=1)
        file.write("\n")


main()
