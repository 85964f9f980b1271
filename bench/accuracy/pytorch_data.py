"""
The pictures of a bneck run for PyTorch: class folders read with Pillow, or IDX files (the MNIST
family), both changed by torchvision's own transforms on Pillow pictures, as torchvision's reference
recipes do it. Labels follow the run's class names.
"""
import glob
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
VALIDATION_NAMES = ["val", "valid", "validation", "test"]
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


def read_idx_file(folder, name):
    """The array in the file of a name such as t10k-images-idx3-ubyte, which may be gzipped."""
    paths = sorted(glob.glob(os.path.join(glob.escape(folder), f"{name}*")))
    if not paths:
        raise SystemExit(f"{folder}: there is no {name} or {name}.gz")
    with (gzip.open if paths[0].endswith(".gz") else open)(paths[0], "rb") as file:
        content = file.read()
    dimensions = content[3]
    shape = struct.unpack(f">{dimensions}I", content[4 : 4 + 4 * dimensions])
    return numpy.frombuffer(content, numpy.uint8, offset=4 + 4 * dimensions).reshape(shape)


def read_idx_part(folder, part):
    """Pillow pictures (RGB) of gray ones, and their numbers, which are bneck's labels."""
    images = read_idx_file(folder, f"{part}-images-idx3-ubyte")
    numbers = read_idx_file(folder, f"{part}-labels-idx1-ubyte")
    return [Image.fromarray(image).convert("RGB") for image in images], torch.from_numpy(numbers.astype(numpy.int64))


def read_fashion_test(folder, class_names):
    """Fashion-MNIST's 10,000 test pictures as RGB, labelled as class_names has them."""
    if sorted(class_names) != sorted(FASHION_CLASSES):
        raise SystemExit(f"the run's classes are not Fashion-MNIST's: {', '.join(class_names)}")
    pictures, numbers = read_idx_part(folder, "t10k")
    labels = torch.tensor([class_names.index(name) for name in FASHION_CLASSES])
    return pictures, labels[numbers]


class RunData:
    """
    The parts of a run's data: to learn from, to validate on, and to test on, each pictures and labels.
    Runs on IDX data validate on the test part, since the data have no other.
    """

    def __init__(self, data, fashion_mnist):
        if data["kind"] not in ("class-folders", "idx"):
            raise SystemExit(f"the run's data are {data['kind']}; give a run on class folders or IDX files")
        self.data = data
        self.fashion_mnist = fashion_mnist
        self.validates_on_test = data["kind"] == "idx"

    def train(self):
        path, names = self.data["path"], self.data["classNames"]
        if self.validates_on_test:
            return self.counted("train", read_idx_part(path, "train"))
        return self.counted("train", read_class_folders(os.path.join(path, "train"), names))

    def validation(self):
        path, names = self.data["path"], self.data["classNames"]
        if self.validates_on_test:
            return self.test()
        parts = [name for name in VALIDATION_NAMES if os.path.isdir(os.path.join(path, name))]
        if not parts:
            raise SystemExit(f"{path}: no val folder; the twin cannot set aside the pictures that bneck did")
        return self.counted("validation", read_class_folders(os.path.join(path, parts[0]), names))

    def test(self):
        if self.validates_on_test:
            return self.counted("validation", read_idx_part(self.data["path"], "t10k"))
        return read_fashion_test(self.fashion_mnist, self.data["classNames"])

    def counted(self, part, read):
        """Pictures that were found, if they are as many of each class as bneck had."""
        counts = torch.bincount(read[1], minlength=len(self.data["classNames"])).tolist()
        if counts != self.data[part]["counts"]:
            had = self.data[part]["counts"]
            raise SystemExit(f"{self.data['path']}: {counts} {part} pictures a class, bneck had {had}")
        return read


def normalizer(preprocessing):
    """From bytes to what the network takes: (x / 255 - mean) / std, channels last in memory."""
    mean = torch.tensor(preprocessing["mean"]).view(1, 3, 1, 1)
    std = torch.tensor(preprocessing["std"]).view(1, 3, 1, 1)

    def normalize(pictures):
        return ((pictures.float() / 255 - mean) / std).contiguous(memory_format=torch.channels_last)

    return normalize


def evaluation_transform(preprocessing):
    """From a Pillow picture to bytes [3, H, W]."""
    return transforms.Compose(
        [
            transforms.Resize(preprocessing["resize"], BILINEAR),
            transforms.CenterCrop(preprocessing["resolution"]),
            transforms.PILToTensor(),
        ]
    )


def crop_steps(ops, resolution):
    """What makes the square that the other ops work on: the first op, if it is a crop."""
    kind = ops[0]["kind"] if ops else None
    if kind == "random-resized-crop":
        return [transforms.RandomResizedCrop(resolution, ops[0]["scale"], ops[0]["ratio"], BILINEAR)]
    resize = transforms.Resize(resolution, BILINEAR)
    if kind == "random-crop":
        border = int(ops[0]["padding"] * resolution + 0.5)
        return [resize, transforms.RandomCrop(resolution, border)]
    return [resize, transforms.CenterCrop(resolution)]


def training_op(op):
    """torchvision's transform for an op of the recipe's augmentation that works on square Pillow pictures."""
    kind = op["kind"]
    if kind == "flip":
        return transforms.RandomHorizontalFlip(op["probability"])
    if kind == "vertical-flip":
        return transforms.RandomVerticalFlip(op["probability"])
    if kind == "affine":
        along, across = op["shear"]
        shear = (-along, along, -across, across)
        return transforms.RandomAffine(op["degrees"], op["translate"], op["scale"], shear, BILINEAR)
    if kind == "color-jitter":
        return transforms.ColorJitter(op["brightness"], op["contrast"], op["saturation"], op["hue"])
    if kind == "randaugment":
        return transforms.RandAugment(op["count"], op["magnitude"], interpolation=BILINEAR)
    if kind == "trivialaugment":
        return transforms.TrivialAugmentWide(interpolation=BILINEAR)
    if kind == "autoaugment":
        return transforms.AutoAugment(interpolation=BILINEAR)
    raise SystemExit(f"this comparison does not know {kind}; train with --augment basic")


def training_transform(recipe):
    """From a Pillow picture to bytes [3, H, W]. A crop can only be the first op, erasing only the last."""
    preprocessing, ops = recipe["preprocessing"], recipe["augmentation"]
    kinds = ("random-resized-crop", "random-crop", "erase")
    steps = crop_steps(ops, preprocessing["resolution"])
    steps += [training_op(op) for op in ops if op["kind"] not in kinds]
    steps.append(transforms.PILToTensor())
    for op in ops:
        if op["kind"] == "erase":
            # The mean color, which is 0 once normalised but for the rounding to bytes.
            mean = [int(255 * value + 0.5) for value in preprocessing["mean"]]
            steps.append(transforms.RandomErasing(op["probability"], op["scale"], op["ratio"], mean))
    return transforms.Compose(steps)


def reduce_large(pictures, short_side):
    """What bneck does with large training pictures once, before augmentation."""
    if short_side is None:
        return pictures
    resize = transforms.Resize(short_side, BILINEAR)
    return [resize(picture) if min(picture.size) > short_side else picture for picture in pictures]
