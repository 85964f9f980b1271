"""
Training in PyTorch, in single and in double precision from the same weights and pictures: the
gradients of one batch, and the losses and running statistics of a few updates.
"""
import copy

import torch
from torch.nn.functional import cross_entropy
from torch.optim.swa_utils import AveragedModel

from kinks import shift_off_kinks
from networks import calm, channels_last_bytes, leave, lively_network, normalize, picture_bytes
from optimizers import optimizer_of
from tensor_files import write_tensors

LABEL_SMOOTHING = 0.1


def average_of(module, decay):
    """torchvision's ExponentialMovingAverage, buffers too; None without a decay. Its first update copies."""
    if decay is None:
        return None
    return AveragedModel(module, avg_fn=lambda kept, value, _: decay * kept + (1 - decay) * value, use_buffers=True)


def backward(network, pictures, labels, share=1.0):
    """The loss of each picture; a share of the gradients of their mean is added to those in the network."""
    dtype = next(network.parameters()).dtype
    network.train()
    logits = network(normalize(pictures, dtype))
    losses = cross_entropy(logits, labels, label_smoothing=LABEL_SMOOTHING, reduction="none")
    (losses.mean() * share).backward()
    return losses.detach()


def twins_of(network):
    """A network in single precision and its copy in double."""
    return [("single", network), ("double", copy.deepcopy(network).double())]


def statistics(network):
    return {name: value for name, value in network.state_dict().items() if "running_" in name}


def batch_of(spec, generator):
    """Pictures, and labels from 0 to 7 that can be learnt from them."""
    pictures = picture_bytes(spec["batch"], spec["resolution"], spec["resolution"], generator)
    red, green, blue = pictures.float().mean((2, 3)).unbind(1)
    bright = red + green + blue > 330
    return pictures, (red > green).long() + 2 * (green > blue).long() + 4 * bright.long()


def start(spec):
    """A network, and the generator of its pictures; `calm` in the spec says which kind."""
    change = calm if spec["calm"] else leave
    return lively_network(spec["architecture"], spec["resolution"], spec["resolution"], spec["seed"], change)


def gradients(spec, folder):
    """Of one batch, whose values are off the activations' kinks."""
    network, generator = start(spec)
    pictures, labels = batch_of(spec, generator)
    shifted = copy.deepcopy(network).double()
    shift_off_kinks(shifted, normalize(pictures, torch.float64))
    for parameter, value in zip(network.parameters(), shifted.parameters()):
        parameter.data.copy_(value)
    write_tensors(f"{folder}/weights.safetensors", network.state_dict())
    write_tensors(f"{folder}/batch.safetensors", {"pictures": channels_last_bytes(pictures), "labels": labels})
    for name, module in twins_of(network):
        module.zero_grad(set_to_none=True)
        losses = backward(module, pictures, labels)
        tensors = {f"gradient {key}": value.grad for key, value in module.named_parameters()}
        write_tensors(f"{folder}/{name}.safetensors", {"losses": losses, **tensors, **statistics(module)})
    return {}


def trace(spec, folder):
    """Losses of updates with the learning rates of `spec`, running statistics after the first and the last, averages."""
    network, generator = start(spec)
    write_tensors(f"{folder}/weights.safetensors", network.state_dict())
    twins = twins_of(network)
    optimizers = [optimizer_of(module, spec) for _, module in twins]
    averages = [average_of(module, spec["averageDecay"]) for _, module in twins]
    results = [{"losses": []}, {"losses": []}]
    for step, learning_rate in enumerate(spec["learningRates"]):
        batches = [batch_of(spec, generator) for _ in range(spec["microBatches"])]
        for place, (pictures, labels) in enumerate(batches):
            batch = {"pictures": channels_last_bytes(pictures), "labels": labels}
            write_tensors(f"{folder}/batch-{step}-{place}.safetensors", batch)
        for (_, module), optimizer, average, result in zip(twins, optimizers, averages, results):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate
            module.zero_grad(set_to_none=True)
            share = 1 / len(batches)
            losses = [backward(module, pictures, labels, share).mean() for pictures, labels in batches]
            result["losses"].append(torch.stack(losses).mean())
            if spec["clipNorm"] is not None:
                torch.nn.utils.clip_grad_norm_(module.parameters(), spec["clipNorm"])
            optimizer.step()
            if average is not None:
                average.update_parameters(module)
            if step == 0:
                result.update({f"first {name}": value.clone() for name, value in statistics(module).items()})
    for (name, module), average, result in zip(twins, averages, results):
        losses = torch.stack(result.pop("losses"))
        if average is not None:
            state = average.module.state_dict()
            result.update({f"average {key}": value for key, value in state.items() if value.is_floating_point()})
        last = {f"last {key}": value for key, value in statistics(module).items()}
        write_tensors(f"{folder}/{name}.safetensors", {"losses": losses, **result, **last})
    return {}
