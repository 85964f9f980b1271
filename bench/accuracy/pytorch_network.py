"""
The network of a bneck run in PyTorch: torchvision's own MobileNetV3 class with torchvision's own
table, made as the architecture in the run's config.json says. Total reductions of 16 and 8, which
torchvision does not have, only change strides after construction, so that channels, residuals
(decided by the table's stride), names and initialisation stay torchvision's.
"""
import torch
from torchvision.models import mobilenetv3

# What build_network reads of an architecture,
READ = {"family", "classes", "width", "dropout", "reducedTail", "dilated", "reduction"}
# and what the rest of it must be, where it is given. Anything else would be a network that torchvision does not have.
TORCHVISION = {
    "squeeze": {"rounding": "divisible", "bias": True, "activation": "relu"},
    "reluActivation": "relu",
    "expandAlways": False,
    "scaling": "torchvision",
    "padding": "symmetric",
    "batchNormEpsilon": 0.001,
    "minimal": False,
}


def require(condition, what):
    if not condition:
        raise SystemExit(f"torchvision's MobileNetV3 cannot be made like this run's network: {what}.")


def take_stride_away(module):
    """Sets the stride of the one convolution with stride 2 inside to 1; the padding fits either."""
    strided = [
        layer for layer in module.modules() if isinstance(layer, torch.nn.Conv2d) and layer.stride == (2, 2)
    ]
    assert len(strided) == 1
    strided[0].stride = (1, 1)


def build_network(architecture, batch_norm_momentum):
    """
    architecture: as in config.json; batch_norm_momentum: the recipe's. Fresh weights by torchvision's
    initialisation, from torch's random numbers.
    """
    family = architecture["family"]
    require(family in ("mobilenet_v3_large", "mobilenet_v3_small"), f"the family is {family}")
    for name, value in architecture.items():
        require(name in READ or TORCHVISION.get(name) == value, f"{name} is {value}")
    table, last_channel = mobilenetv3._mobilenet_v3_conf(
        family,
        width_mult=architecture["width"],
        reduced_tail=architecture["reducedTail"],
        dilated=architecture["dilated"],
    )
    network = mobilenetv3.MobileNetV3(
        table, last_channel, num_classes=architecture["classes"], dropout=architecture["dropout"]
    )
    if architecture["reduction"] <= 16:
        take_stride_away(network.features[0])
    if architecture["reduction"] == 8:
        first = next(place for place, row in enumerate(table) if row.stride == 2)
        take_stride_away(network.features[1 + first])
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = batch_norm_momentum
    return network.to(memory_format=torch.channels_last)
