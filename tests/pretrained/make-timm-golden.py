"""Writes timm-golden.json in this folder from a live timm: names, shapes and counts of its MobileNets (as
hashes), and logits of small ones. Run where torch and timm are installed (python3 make-timm-golden.py).

Weights and pictures come from `values` below, a hash of integers that the test repeats bit for bit.
"""
import hashlib
import json
import os

import numpy
import timm
import torch
from timm.models import mobilenetv3

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = (
    "mobilenetv3_large_075 mobilenetv3_large_100 mobilenetv3_small_050 mobilenetv3_small_075 mobilenetv3_small_100 "
    "tf_mobilenetv3_large_075 tf_mobilenetv3_large_100 tf_mobilenetv3_large_minimal_100 tf_mobilenetv3_small_075 "
    "tf_mobilenetv3_small_100 tf_mobilenetv3_small_minimal_100 mobilenetv2_050 mobilenetv2_100 mobilenetv2_140"
).split()
WIDTHS = (0.1, 0.35, 0.5, 0.62, 0.74, 0.75, 1.0, 1.1, 1.25, 1.5, 2.0)


def generate(variant, width, **options):
    """timm's generator at any width, which its registered models don't give."""
    create = mobilenetv3._create_mnv3
    mobilenetv3._create_mnv3 = lambda _variant, pretrained=False, **built: mobilenetv3.MobileNetV3(**built)
    try:
        return mobilenetv3._gen_mobilenet_v3(variant, width, **options)
    finally:
        mobilenetv3._create_mnv3 = create


def describe(model):
    lines = [f"{name}:{'x'.join(map(str, value.shape)) or 'scalar'}" for name, value in model.state_dict().items()]
    return {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "sha256": hashlib.sha256("\n".join(lines).encode()).hexdigest(),
    }


def values(count, stream):
    """Uniform in [0, 1): a hash of (element, stream)."""
    h = numpy.arange(count, dtype=numpy.uint64) * numpy.uint64(2654435761) + numpy.uint64(stream * 974711 + 12345)
    h &= numpy.uint64(0xFFFFFFFF)
    h ^= h >> numpy.uint64(15)
    h = (h * numpy.uint64(0x2C1B3C6D)) & numpy.uint64(0xFFFFFFFF)
    h ^= h >> numpy.uint64(12)
    return (h >> numpy.uint64(8)).astype(numpy.float64) / 2**24


def fill(model):
    for stream, (name, value) in enumerate(model.state_dict().items()):
        if name.endswith("num_batches_tracked"):
            continue
        u = values(value.numel(), stream)
        if value.dim() > 1:
            u = (u - 0.5) * (24 / value[0].numel()) ** 0.5
        elif name.endswith("weight") or name.endswith("running_var"):
            u = u + 0.5
        else:
            u = u - 0.5
        value.copy_(torch.from_numpy(u).reshape(value.shape))


def run(variant, width, resolution, tf):
    options = {"pad_type": "same", "bn_eps": 1e-3} if tf else {}
    model = generate(variant, width, num_classes=5, **options).double().eval()
    with torch.no_grad():
        fill(model)
        pictures = torch.from_numpy(values(2 * 3 * resolution * resolution, 9999) * 4 - 2)
        logits = model(pictures.reshape(2, 3, resolution, resolution)).flatten().tolist()
    family = "mobilenet_v3_large" if "large" in variant else "mobilenet_v3_small"
    case = {"family": family, "minimal": "minimal" in variant, "width": width, "tf": tf, "resolution": resolution}
    return {**case, "logits": logits}


if __name__ == "__main__":
    golden = {
        "timm": timm.__version__,
        "models": {name: describe(timm.create_model(name)) for name in MODELS},
        "widths": [
            {"family": f"mobilenet_v3_{size}", "minimal": bool(minimal), "width": width}
            | describe(generate(f"{size}_{minimal}x", width))
            for size in ("large", "small")
            for minimal in ("", "minimal_")
            for width in WIDTHS
        ],
        "logits": [
            run("small", 0.35, 64, True),
            run("small", 0.5, 33, True),
            run("small", 0.5, 47, False),
            run("large_minimal", 0.35, 48, True),
            run("large", 0.35, 32, True),
        ],
    }
    with open(os.path.join(HERE, "timm-golden.json"), "w") as file:
        json.dump(golden, file, indent=1)
        file.write("\n")
