"""
bneck's operations on pictures as torchvision has them on Pillow pictures: what bneck's augmentation is
judged by, live (tests/torch/check-augmentations.js) and in tests/golden/augment.
"""
import math
import os

import torch
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F
from torchvision.transforms.autoaugment import _apply_op

from networks import channels_last_bytes
from pictures import draw
from tensor_files import write_tensors

BILINEAR = InterpolationMode.BILINEAR
FACTORS = {
    "brightness": F.adjust_brightness,
    "contrast": F.adjust_contrast,
    "saturation": F.adjust_saturation,
    "sharpness": F.adjust_sharpness,
}
PLAIN = {
    "flip": F.hflip,
    "vertical-flip": F.vflip,
    "autocontrast": F.autocontrast,
    "equalize": F.equalize,
    "invert": F.invert,
}


def shifted_crop(picture, x, y, side):
    """RandomCrop with a border on all sides that holds the square wherever it lies."""
    resized = F.resize(picture, side, BILINEAR)
    return F.crop(F.pad(resized, side), y + side, x + side, side, side)


def corner_shear(picture, slopes):
    shear = [math.degrees(math.atan(slope)) for slope in slopes]
    return F.affine(picture, 0.0, [0, 0], 1.0, shear, BILINEAR, center=[0, 0])


def erase(picture, box, color):
    """Random erasing works on tensors; this is its function on the bytes."""
    value = torch.tensor(color, dtype=torch.uint8)[:, None, None]
    erased = F.erase(F.pil_to_tensor(picture), box["y"], box["x"], box["height"], box["width"], value)
    return Image.fromarray(channels_last_bytes(erased[None])[0].numpy())


def apply_operation(picture, operation):
    """The Pillow picture after an operation of src/data/augment/picture-operation.ts."""
    kind = operation["kind"]
    if kind in FACTORS:
        return FACTORS[kind](picture, operation["factor"])
    if kind in PLAIN:
        return PLAIN[kind](picture)
    if kind == "resized-crop":
        box, side = operation["box"], operation["side"]
        return F.resized_crop(picture, box["y"], box["x"], box["height"], box["width"], [side, side], BILINEAR)
    if kind == "center-crop":
        return F.center_crop(F.resize(picture, operation["side"], BILINEAR), operation["side"])
    if kind == "shifted-crop":
        return shifted_crop(picture, operation["x"], operation["y"], operation["side"])
    if kind == "affine":
        turn, shift = operation["degrees"], list(operation["translate"])
        return F.affine(picture, turn, shift, operation["scale"], list(operation["shear"]), BILINEAR)
    if kind == "corner-shear":
        return corner_shear(picture, operation["slopes"])
    if kind == "hue":
        return F.adjust_hue(picture, operation["shift"])
    if kind == "posterize":
        return F.posterize(picture, operation["bits"])
    if kind == "solarize":
        return F.solarize(picture, operation["threshold"])
    if kind == "erase":
        return erase(picture, operation["box"], operation["color"])
    raise ValueError(f"no operation {kind}")


def apply_policy(picture, op, magnitude):
    """A change of RandAugment and its relatives at a magnitude, bilinear as in torchvision's recipes."""
    return _apply_op(picture, op, magnitude, BILINEAR, None)


def bytes_of(picture):
    return channels_last_bytes(F.pil_to_tensor(picture)[None])[0]


def augmentations(spec, folder):
    """A picture, and what becomes of it after each operation and each policy change: [H, W, 3] bytes."""
    picture = draw("RGB", spec["width"], spec["height"], spec["seed"])
    tensors = {"picture": bytes_of(picture)}
    for index, operation in enumerate(spec["operations"]):
        tensors[f"operation {index}"] = bytes_of(apply_operation(picture, operation))
    for index, (op, magnitude) in enumerate(spec["changes"]):
        tensors[f"change {index}"] = bytes_of(apply_policy(picture, op, magnitude))
    write_tensors(os.path.join(folder, "augmentations.safetensors"), tensors)
    return {}
