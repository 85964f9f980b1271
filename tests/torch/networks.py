"""
torchvision's own MobileNets with weights as training leaves them, and pictures for them.

Running statistics are those of the network's own activations on such pictures. Drawn at random
instead, they let activations grow from layer to layer and rounding with them: two correct
implementations in single precision were then 1e-3 apart, and a comparison measured only that.
"""
import torch
from torch import nn
from torchvision.models import MobileNetV2, mobilenetv3

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
CALIBRATION_PASSES = 3
CALIBRATION_BATCH = 8


def build_network(architecture):
    """architecture: the options of bneck's mobilenetV3 and mobilenetV2 that torchvision has too."""
    family, width, classes = (architecture[key] for key in ("family", "width", "classes"))
    if family == "mobilenet_v2":
        return MobileNetV2(num_classes=classes, width_mult=width, dropout=0.0)
    tail = {"reduced_tail": architecture["reducedTail"], "dilated": architecture["dilated"]}
    table, last_channel = mobilenetv3._mobilenet_v3_conf(family, width_mult=width, **tail)
    return mobilenetv3.MobileNetV3(table, last_channel, num_classes=classes, dropout=0.0)


def batch_norms(network):
    return [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]


def picture_bytes(count, height, width, generator):
    """[N, 3, H, W] bytes that differ as real pictures do: a colour and a slope of their own, patches, and noise."""

    def random(*shape):
        return torch.rand(*shape, generator=generator)

    rows = torch.linspace(0, 1, height).view(1, 1, height, 1)
    columns = torch.linspace(0, 1, width).view(1, 1, 1, width)
    slope = random(count, 1, 1, 1)
    patches = nn.functional.interpolate(random(count, 3, 7, 7), (height, width), mode="bilinear", align_corners=False)
    values = 20 + 90 * random(count, 3, 1, 1) + 50 * (slope * rows + (1 - slope) * columns) + 70 * patches
    return (values + 25 * random(count, 3, height, width)).clamp(0, 255).to(torch.uint8)


def normalize(pictures, dtype=torch.float32):
    """What the network takes, from bytes: (x / 255 - mean) / std."""
    mean = torch.tensor(MEAN, dtype=dtype).view(1, 3, 1, 1)
    std = torch.tensor(STD, dtype=dtype).view(1, 3, 1, 1)
    return (pictures.to(dtype) / 255 - mean) / std


def channels_last_bytes(pictures):
    """[N, 3, H, W] as bneck takes it, [N, H, W, 3]."""
    return pictures.permute(0, 2, 3, 1).contiguous()


@torch.no_grad()
def calibrate(network, height, width, generator):
    """Sets the running statistics to the average over a few batches."""
    for layer in batch_norms(network):
        layer.reset_running_stats()
        layer.restored, layer.momentum = layer.momentum, None
    network.train()
    for _ in range(CALIBRATION_PASSES):
        network(normalize(picture_bytes(CALIBRATION_BATCH, height, width, generator)))
    for layer in batch_norms(network):
        layer.momentum = layer.restored


def randomize(network):
    """Batch norm far from the identity (some scales negative), biases everywhere, logits of a few units."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.weight.uniform_(0.5, 1.5)
            layer.weight[torch.rand(layer.weight.shape) < 0.1] *= -1
            layer.bias.normal_(0, 0.3)
        elif isinstance(layer, nn.Linear):
            layer.weight.normal_(0, layer.in_features**-0.5)
            layer.bias.normal_(0, 0.3)
        elif isinstance(layer, nn.Conv2d) and layer.bias is not None:
            layer.bias.normal_(0, 0.3)


def calm(network):
    """
    Keeps most values between the kinks of the activations that follow a batch norm: 3 above that of ReLU, in
    the middle of ReLU6's and hard-swish's two. Without it training is chaotic: rounding turned a few slopes,
    and in twenty steps PyTorch's own single and double precision came 1e-1 apart.
    """
    for sequence in network.modules():
        layers = list(sequence) if isinstance(sequence, nn.Sequential) else []
        for layer, following in zip(layers, layers[1:]):
            if not isinstance(layer, nn.BatchNorm2d):
                continue
            if isinstance(following, (nn.ReLU, nn.ReLU6)):
                layer.bias += 3
            elif isinstance(following, nn.Hardswish):
                layer.weight *= 0.5


def leave(_network):
    """In place of `calm`: the weights as they are."""


@torch.no_grad()
def lively_network(architecture, height, width, seed, change=leave):
    """A network with random weights, in inference mode, and the generator for pictures. `change` may alter the weights."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    network = build_network(architecture)
    randomize(network)
    change(network)
    calibrate(network, height, width, generator)
    return network.eval(), generator
