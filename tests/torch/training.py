"""
Training in PyTorch, in single and in double precision from the same weights and pictures: the
gradients of one batch, and the losses and running statistics of a few updates.
"""
import copy

import torch
from torch.nn.functional import cross_entropy

from kinks import shift_off_kinks
from networks import calm, channels_last_bytes, leave, lively_network, normalize, picture_bytes
from tensor_files import write_tensors

LABEL_SMOOTHING = 0.1


def make_optimizer(network, options):
    """Weight decay pulls at the weights of convolutions and linear layers, not at batch norm and biases."""
    decayed = [parameter for parameter in network.parameters() if parameter.dim() > 1]
    others = [parameter for parameter in network.parameters() if parameter.dim() <= 1]
    groups = [{"params": decayed, "weight_decay": options["weightDecay"]}, {"params": others, "weight_decay": 0.0}]
    kind = options["kind"]
    if kind == "sgd":
        return torch.optim.SGD(groups, lr=0.0, momentum=options["momentum"], nesterov=options["nesterov"])
    if kind == "adam":
        betas = (options["beta1"], options["beta2"])
        return torch.optim.Adam(groups, lr=0.0, betas=betas, eps=options["epsilon"])
    assert kind == "rmsprop" and not options["epsilonInside"]
    common = {"alpha": options["alpha"], "momentum": options["momentum"], "eps": options["epsilon"]}
    return torch.optim.RMSprop(groups, lr=0.0, **common)


def backward(network, pictures, labels):
    """The loss of each picture; the gradients of their mean are left in the network."""
    dtype = next(network.parameters()).dtype
    network.train()
    network.zero_grad(set_to_none=True)
    logits = network(normalize(pictures, dtype))
    losses = cross_entropy(logits, labels, label_smoothing=LABEL_SMOOTHING, reduction="none")
    losses.mean().backward()
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
        losses = backward(module, pictures, labels)
        tensors = {f"gradient {key}": value.grad for key, value in module.named_parameters()}
        write_tensors(f"{folder}/{name}.safetensors", {"losses": losses, **tensors, **statistics(module)})
    return {}


def trace(spec, folder):
    """Losses of updates with the learning rates of `spec`, running statistics after the first and the last."""
    network, generator = start(spec)
    write_tensors(f"{folder}/weights.safetensors", network.state_dict())
    twins = twins_of(network)
    optimizers = [make_optimizer(module, spec["optimizer"]) for _, module in twins]
    results = [{"losses": []}, {"losses": []}]
    for step, learning_rate in enumerate(spec["learningRates"]):
        pictures, labels = batch_of(spec, generator)
        batch = {"pictures": channels_last_bytes(pictures), "labels": labels}
        write_tensors(f"{folder}/batch-{step}.safetensors", batch)
        for (_, module), optimizer, result in zip(twins, optimizers, results):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate
            result["losses"].append(backward(module, pictures, labels).mean())
            optimizer.step()
            if step == 0:
                result.update({f"first {name}": value.clone() for name, value in statistics(module).items()})
    for (name, module), result in zip(twins, results):
        losses = torch.stack(result.pop("losses"))
        last = {f"last {key}": value for key, value in statistics(module).items()}
        write_tensors(f"{folder}/{name}.safetensors", {"losses": losses, **result, **last})
    return {}
