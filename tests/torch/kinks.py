"""
Takes a network's values off the kinks of its activations. Where a slope jumps, a value within
rounding of the place may fall on either side, and one such value among millions changed gradients
of bneck or PyTorch by 1e-3 to 4e-2 in all the layers below: two correct answers, not an error. Each
activation follows a layer with a bias a channel, so a tiny shift of the bias takes a channel away.
"""
import torch
from torch import nn

KINKS = {nn.ReLU: (0.0,), nn.ReLU6: (0.0, 6.0), nn.Hardswish: (-3.0, 3.0), nn.Hardsigmoid: (-3.0, 3.0)}
# How near counts as at a kink: several times what single precision is off in the deepest layers.
MARGIN = 2e-5
SHIFTS_TRIED = 1000


def nearest_kink(values, places):
    return torch.stack([(values - place).abs() for place in places]).amin(0)


def free_shift(values, places):
    """The smallest shift, found in steps of the margin, that leaves none of one channel's values at a kink."""
    for steps in range(1, SHIFTS_TRIED):
        for shift in (steps * MARGIN, -steps * MARGIN):
            # Rounding of the bias may take a hundredth of the margin back.
            if float(nearest_kink(values + shift, places).amin()) > 1.01 * MARGIN:
                return shift
    raise RuntimeError("no shift takes a channel off its kinks; take fewer or smaller pictures")


class Shifter:
    """Hooks for one forward pass in double precision: biases change as it goes, and so does what follows."""

    def __init__(self, network):
        self.biased = None
        self.handles = []
        for module in network.modules():
            if type(module) in KINKS:
                self.handles.append(module.register_forward_pre_hook(self.before_activation))
            elif getattr(module, "bias", None) is not None:
                self.handles.append(module.register_forward_hook(self.after_biased))

    def after_biased(self, module, _inputs, _output):
        self.biased = module

    def before_activation(self, module, inputs):
        (values,) = inputs
        places, bias = KINKS[type(module)], self.biased.bias
        near = nearest_kink(values, places).amin([place for place in range(values.dim()) if place != 1])
        moved = bias.clone()
        for channel in (near <= MARGIN).nonzero().flatten().tolist():
            # The bias has to be one that single precision holds.
            moved[channel] = float((bias[channel] + free_shift(values[:, channel], places)).float())
        shift = moved - bias
        bias.copy_(moved)
        return values + shift.view([-1 if place == 1 else 1 for place in range(values.dim())])


@torch.no_grad()
def shift_off_kinks(double, inputs):
    """Changes biases of a network in double precision, whose weights single precision holds, for these inputs in training."""
    shifter = Shifter(double)
    double.train()
    double(inputs)
    for handle in shifter.handles:
        handle.remove()
