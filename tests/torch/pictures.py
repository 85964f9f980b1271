"""
Picture files as people have them, and what Pillow and torchvision's preset for evaluation make of
them: EXIF orientation applied, alpha dropped, short side resized with antialias, center cropped.
"""
import os

import torch
from PIL import Image, ImageOps
from torchvision import transforms
from torchvision.transforms.functional import pil_to_tensor

from networks import channels_last_bytes, picture_bytes
from tensor_files import write_tensors

ORIENTATION = 0x0112


def draw(mode, width, height, seed):
    """A picture of a Pillow mode; alpha and palette have meaning, not only presence."""
    generator = torch.Generator().manual_seed(seed)
    rgb = Image.fromarray(channels_last_bytes(picture_bytes(1, height, width, generator))[0].numpy())
    if mode == "P":
        return rgb.quantize(64)
    picture = rgb.convert("L" if mode in ("L", "LA") else "RGB")
    if mode in ("LA", "RGBA"):
        alpha = picture_bytes(1, height, width, generator)[0, 0].numpy()
        picture.putalpha(Image.fromarray(alpha))
    return picture


def save(picture, spec, path):
    options = {}
    if spec.get("orientation") is not None:
        exif = Image.Exif()
        exif[ORIENTATION] = spec["orientation"]
        options["exif"] = exif
    if path.endswith(".jpg"):
        options.update(quality=spec.get("quality", 90), subsampling=spec.get("subsampling", 2))
        options.update(progressive=spec.get("progressive", False))
    picture.save(path, **options)


def pictures(spec, folder):
    """Writes the picture file, and [resolution, resolution, 3] bytes of each preset."""
    path = os.path.join(folder, f"picture.{spec['type']}")
    save(draw(spec["mode"], spec["width"], spec["height"], spec["seed"]), spec, path)
    with Image.open(path) as opened:
        decoded = ImageOps.exif_transpose(opened).convert("RGB")
    tensors = {"decoded": channels_last_bytes(pil_to_tensor(decoded)[None])[0]}
    for preset in spec["presets"]:
        resize = transforms.Resize(preset["resize"], transforms.InterpolationMode.BILINEAR)
        prepared = transforms.CenterCrop(preset["resolution"])(resize(decoded))
        tensors[f"{preset['resize']} {preset['resolution']}"] = channels_last_bytes(pil_to_tensor(prepared)[None])[0]
    write_tensors(os.path.join(folder, "pictures.safetensors"), tensors)
    return {}
