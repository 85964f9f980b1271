"""
The pictures of a bneck run for PyTorch: class folders read with Pillow, Fashion-MNIST's test files
read as IDX, both changed by torchvision's own transforms on Pillow pictures, as torchvision's
reference recipes do it. Labels follow the run's class names.
"""
import gzip
import os
import struct

import numpy
import torch
from PIL import Image
from torchvision import transforms
from torchvision.transforms import InterpolationMode

# In the order of the dataset's labels, by the names that examples/fashion gives them.
FASHION_CLASSES = [
    "t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle-boot",
]  # fmt: skip
BILINEAR = InterpolationMode.BILINEAR


def read_class_folders(folder, class_names):
    """Pillow pictures (RGB) and labels of folder/CLASS/PICTURE."""
    pictures, labels = [], []
    for label, name in enumerate(class_names):
        for file in sorted(os.listdir(os.path.join(folder, name))):
            if file.startswith("."):
                continue
            with Image.open(os.path.join(folder, name, file)) as picture:
                pictures.append(picture.convert("RGB"))
            labels.append(label)
    return pictures, torch.tensor(labels)


def read_idx(path):
    with gzip.open(path) as file:
        content = file.read()
    dimensions = content[3]
    shape = struct.unpack(f">{dimensions}I", content[4 : 4 + 4 * dimensions])
    return numpy.frombuffer(content, numpy.uint8, offset=4 + 4 * dimensions).reshape(shape)


def read_fashion_test(folder, class_names):
    """Fashion-MNIST's 10,000 test pictures as RGB, labelled as class_names has them."""
    if sorted(class_names) != sorted(FASHION_CLASSES):
        raise SystemExit(f"the run's classes are not Fashion-MNIST's: {', '.join(class_names)}")
    images = read_idx(os.path.join(folder, "t10k-images-idx3-ubyte.gz"))
    labels = read_idx(os.path.join(folder, "t10k-labels-idx1-ubyte.gz"))
    pictures = [Image.fromarray(image).convert("RGB") for image in images]
    return pictures, torch.tensor([class_names.index(FASHION_CLASSES[label]) for label in labels])


def to_bytes(pictures):
    """[N, 3, H, W] bytes of pictures of one size."""
    return torch.stack([transforms.functional.pil_to_tensor(picture) for picture in pictures])


def normalizer(preprocessing):
    """From bytes to what the network takes: (x / 255 - mean) / std, channels last in memory."""
    mean = torch.tensor(preprocessing["mean"]).view(1, 3, 1, 1)
    std = torch.tensor(preprocessing["std"]).view(1, 3, 1, 1)

    def normalize(pictures):
        return ((pictures.float() / 255 - mean) / std).contiguous(memory_format=torch.channels_last)

    return normalize


def evaluation_transform(preprocessing):
    return transforms.Compose(
        [
            transforms.Resize(preprocessing["resize"], BILINEAR),
            transforms.CenterCrop(preprocessing["resolution"]),
        ]
    )


def training_op(op, resolution):
    """torchvision's transform for an op of the recipe's augmentation that works on Pillow pictures."""
    kind = op["kind"]
    if kind == "random-resized-crop":
        return transforms.RandomResizedCrop(resolution, op["scale"], op["ratio"], BILINEAR)
    if kind == "flip":
        return transforms.RandomHorizontalFlip(op["probability"])
    if kind == "randaugment":
        return transforms.RandAugment(op["count"], op["magnitude"], interpolation=BILINEAR)
    if kind == "trivialaugment":
        return transforms.TrivialAugmentWide(interpolation=BILINEAR)
    if kind == "autoaugment":
        return transforms.AutoAugment(interpolation=BILINEAR)
    raise SystemExit(f"this comparison does not know {kind}; train with --augment basic")


def training_transform(recipe):
    resolution = recipe["preprocessing"]["resolution"]
    ops = recipe["augmentation"]
    steps = [training_op(op, resolution) for op in ops]
    if not ops or ops[0]["kind"] != "random-resized-crop":
        steps = [transforms.Resize(resolution, BILINEAR), transforms.CenterCrop(resolution)] + steps
    return transforms.Compose(steps)


def reduce_large(pictures, short_side):
    """What bneck does with large training pictures once, before augmentation."""
    if short_side is None:
        return pictures
    resize = transforms.Resize(short_side, BILINEAR)
    return [resize(picture) if min(picture.size) > short_side else picture for picture in pictures]
