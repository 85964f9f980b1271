"""Weights and pictures of the goldens: a hash of integers, which tests/golden/golden-values.ts repeats bit for bit."""
import numpy
import torch


def values(count, stream):
    """Uniform in [0, 1), float64: a hash of (element, stream)."""
    h = numpy.arange(count, dtype=numpy.uint64) * numpy.uint64(2654435761) + numpy.uint64(stream * 974711 + 12345)
    h &= numpy.uint64(0xFFFFFFFF)
    h ^= h >> numpy.uint64(15)
    h = (h * numpy.uint64(0x2C1B3C6D)) & numpy.uint64(0xFFFFFFFF)
    h ^= h >> numpy.uint64(12)
    return (h >> numpy.uint64(8)).astype(numpy.float64) / 2**24


def fill(model):
    """Gives each tensor of a state_dict values of its own stream, of a size that keeps maps near 1."""
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


def golden_pictures(count, side):
    """Pictures [count, 3, side, side] in [-2, 2), float64."""
    return torch.from_numpy(values(count * 3 * side * side, 9999) * 4 - 2).reshape(count, 3, side, side)
