"""
.safetensors in Python's standard library and torch alone, so that Debian's packages are enough:
how tests/torch/run.js and PyTorch hand each other tensors, and how bench/accuracy reads bneck's models.
Written here independently of bneck's own reader and writer, which these tests judge.
"""
import json
import math
import struct

import torch

DTYPES = {"F64": torch.float64, "F32": torch.float32, "I64": torch.int64, "U8": torch.uint8}
NAMES = {dtype: name for name, dtype in DTYPES.items()}


def write_tensors(path, tensors, metadata=None):
    """Writes tensors in the order of the dictionary."""
    header, parts, position = {}, [], 0
    if metadata is not None:
        header["__metadata__"] = metadata
    for name, tensor in tensors.items():
        part = tensor.detach().contiguous().numpy().tobytes()
        header[name] = {
            "dtype": NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [position, position + len(part)],
        }
        parts.append(part)
        position += len(part)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.writelines(parts)


def read_tensors(path):
    """The tensors of a file by name, in the order of its header."""
    with open(path, "rb") as file:
        (header_bytes,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(header_bytes))
        body = bytearray(file.read())
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        start, _ = entry["data_offsets"]
        count = math.prod(entry["shape"])
        flat = torch.frombuffer(body, dtype=DTYPES[entry["dtype"]], count=count, offset=start)
        tensors[name] = flat.reshape(entry["shape"]).clone()
    return tensors
