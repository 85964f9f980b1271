"""Writes tests/golden/timm.json from a live timm: names, shapes and counts of its MobileNets (as hashes), and
logits of small ones. Run where torch and timm are installed (python3 scripts/make-timm-goldens.py), then let
the formatter lay the file out. Never shipped.
"""
import hashlib
import json
import os

import timm
import torch
from golden_values import fill, golden_pictures
from timm.models import mobilenetv3

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "golden", "timm.json")
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


def run(variant, width, resolution, tf):
    options = {"pad_type": "same", "bn_eps": 1e-3} if tf else {}
    model = generate(variant, width, num_classes=5, **options).double().eval()
    with torch.no_grad():
        fill(model)
        logits = model(golden_pictures(2, resolution)).flatten().tolist()
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
    with open(GOLDEN, "w") as file:
        json.dump(golden, file, indent=1)
        file.write("\n")
