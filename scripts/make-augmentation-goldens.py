"""Writes tests/golden/augment: what torchvision makes of a small picture with each operation of bneck's
augmentation (operations.json), and the scales, tables and random boxes of its own augmentations
(policies.json). Run where torchvision and Pillow are installed; the versions stand in the files. Then let the
formatter lay the files out. Never shipped.

Bytes are [height, width, 3] in base64.
"""
import base64
import json
import math
import os
import random
import sys

import PIL
import torch
import torchvision
from PIL import Image
from torchvision import transforms
from torchvision.transforms import autoaugment

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
sys.path.insert(0, os.path.join(ROOT, "tests", "torch"))

from augmentations import apply_operation, apply_policy, bytes_of  # noqa: E402

SMALL, LARGE = (14, 11), (36, 25)
SIZE = {"width": 48, "height": 32}
UNCHANGED = {"degrees": 0, "translate": [0, 0], "scale": 1, "shear": [0, 0]}


def draw(width, height, dull):
    """Slopes, noise and gray; with colors at the ends of the scale, or without."""
    generator = random.Random(1)
    pixels = []
    for y in range(height):
        for x in range(width):
            if x < 4 and y < 3:
                pixel = [generator.choice((0, 255)) for _ in range(3)]
            elif x >= 10 and y >= 8:
                pixel = [40 + 5 * x] * 3
            else:
                slopes = (200 * x // width, 180 * y // height, 190 - 160 * x // width)
                pixel = [base + generator.randrange(60) for base in slopes]
            pixels.append(tuple(20 + level * 4 // 5 if dull else level for level in pixel))
    picture = Image.new("RGB", (width, height))
    picture.putdata(pixels)
    return picture


def box(x, y, width, height):
    return {"x": x, "y": y, "width": width, "height": height}


def operations():
    cases = [{"kind": "resized-crop", "box": box(2, 1, 9, 7), "side": side} for side in (5, 8, 13)]
    cases += [{"kind": "center-crop", "side": side} for side in (7, 11, 12)]
    cases += [{"kind": "shifted-crop", "x": x, "y": y, "side": 11} for x, y in ((-2, 1), (4, -1), (0, 0))]
    cases += [{"kind": kind} for kind in ("flip", "vertical-flip", "autocontrast", "equalize", "invert")]
    for change in (
        {"degrees": 30},
        {"degrees": -77.5},
        {"translate": [3, -2]},
        {"scale": 0.6},
        {"scale": 1.7},
        {"shear": [20, 0]},
        {"shear": [0, -25]},
        {"degrees": 12.3, "translate": [-2, 1], "scale": 1.1, "shear": [8, -5]},
    ):
        cases.append({"kind": "affine", **UNCHANGED, **change})
    cases += [{"kind": "corner-shear", "slopes": slopes} for slopes in ([0.3, 0], [0, -0.45], [-0.99, 0])]
    for kind in ("brightness", "contrast", "saturation", "sharpness"):
        cases += [{"kind": kind, "factor": factor} for factor in (0, 0.37, 1, 1.9)]
    cases += [{"kind": "hue", "shift": shift} for shift in (-0.5, -0.21, -0.003, 0, 0.1, 0.34, 0.5)]
    cases += [{"kind": "posterize", "bits": bits} for bits in (2, 4, 8)]
    cases += [{"kind": "solarize", "threshold": threshold} for threshold in (0, 110.5, 128, 255)]
    cases.append({"kind": "erase", "box": box(3, 2, 6, 4), "color": [124, 116, 104]})
    return cases


def text_of(picture):
    return base64.b64encode(bytes_of(picture).numpy().tobytes()).decode()


def changes():
    ops = list(autoaugment.RandAugment()._augmentation_space(31, SMALL)) + ["Invert"]
    usual = {"Posterize": (4, 7), "Solarize": (60, 200.5), "Rotate": (-18, 90), "TranslateX": (-4, 3)}
    usual["TranslateY"] = usual["TranslateX"]
    return [(op, magnitude) for op in ops for magnitude in usual.get(op, (-0.4, 0.27))]


def operation_goldens():
    """Equalizing needs more pixels than there are levels, and autocontrast a dull picture."""
    groups = []
    plain = [{"kind": kind} for kind in ("equalize", "autocontrast")]
    for size, chosen, policy in ((SMALL, operations(), changes()), (LARGE, plain, [("Equalize", 0)])):
        width, height = size
        picture = draw(width, height, dull=size == LARGE)
        groups.append(
            {
                "picture": {"width": width, "height": height, "bytes": text_of(picture)},
                "operations": [
                    {"operation": operation, "bytes": text_of(apply_operation(picture, operation))}
                    for operation in chosen
                ],
                "changes": [
                    {"op": op, "magnitude": magnitude, "bytes": text_of(apply_policy(picture, op, magnitude))}
                    for op, magnitude in policy
                ],
            }
        )
    return {"groups": groups}


def scales(space):
    """By op: whether it has two directions, and its magnitude at each step (one, where it has none)."""
    return {name: {"signed": signed, "magnitudes": values.flatten().tolist()} for name, (values, signed) in space.items()}


def drawn(count):
    """Uniform numbers as torch draws them next, without moving its generator."""
    state = torch.get_rng_state()
    numbers = [torch.rand(1).item() for _ in range(count)]
    torch.set_rng_state(state)
    return numbers


def erased_boxes():
    """RandomErasing's boxes from the first two uniform numbers that it drew, which fit at once, and numbers that give its places."""
    boxes = []
    for width, height, scale, ratio in ((32, 32, [0.02, 0.33], [0.3, 3.3]), (48, 40, [0.2, 0.4], [0.5, 2])):
        for seed in range(3):
            torch.manual_seed(seed)
            numbers = drawn(2)
            y, x, h, w, _ = transforms.RandomErasing.get_params(torch.zeros(3, height, width), scale, ratio, [0.0])
            places = [(y + 0.5) / (height - h + 1), (x + 0.5) / (width - w + 1)]
            case = {"size": {"width": width, "height": height}, "scale": scale, "ratio": ratio}
            boxes.append({**case, "uniform": numbers + places, "box": box(x, y, w, h)})
    return boxes


def policy_goldens():
    size = (SIZE["height"], SIZE["width"])
    auto = autoaugment.AutoAugment(autoaugment.AutoAugmentPolicy.IMAGENET)
    return {
        "size": SIZE,
        "randaugment": scales(autoaugment.RandAugment()._augmentation_space(31, size)),
        "trivialaugment": scales(autoaugment.TrivialAugmentWide()._augmentation_space(31)),
        "autoaugment": scales(auto._augmentation_space(10, size)),
        "imagenet": auto.policies,
        "erasedBoxes": erased_boxes(),
    }


def main():
    folder = os.path.join(ROOT, "tests", "golden", "augment")
    os.makedirs(folder, exist_ok=True)
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__, "Pillow": PIL.__version__}
    for name, goldens in (("operations", operation_goldens()), ("policies", policy_goldens())):
        with open(os.path.join(folder, f"{name}.json"), "w") as file:
            json.dump({"versions": versions, **goldens}, file, indent=2)


main()
