"""Writes tests/golden/graph from a live torchvision: names.json (parameter names and shapes of every
variant) and numbers.json (logits, losses, gradients and running statistics of small networks in double
precision). Run where torch and torchvision are installed (python3 scripts/make-graph-goldens.py), then let
the formatter lay the files out. Never shipped.
"""
import hashlib
import json
import os

import torch
import torchvision
from golden_values import fill, golden_pictures

GOLDENS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "golden", "graph")
MAKERS = {
    "mobilenet_v3_large": torchvision.models.mobilenet_v3_large,
    "mobilenet_v3_small": torchvision.models.mobilenet_v3_small,
    "mobilenet_v2": torchvision.models.mobilenet_v2,
}


def build(architecture):
    """The torchvision module of a bneck architecture."""
    options = {"num_classes": architecture.get("classes", 1000), "width_mult": architecture.get("width", 1)}
    if architecture["family"] != "mobilenet_v2":
        options["reduced_tail"] = architecture.get("reducedTail", False)
        options["dilated"] = architecture.get("dilated", False)
    model = MAKERS[architecture["family"]](weights=None, **options)
    reduction = architecture.get("reduction", 32)
    if reduction < 32:
        model.features[0][0].stride = (1, 1)
    if reduction == 8:
        strided = [m for m in model.features[1:].modules() if isinstance(m, torch.nn.Conv2d) and m.stride == (2, 2)]
        strided[0].stride = (1, 1)
    return model


def lines(model):
    return [f"{name}:{'x'.join(map(str, value.shape)) or 'scalar'}" for name, value in model.state_dict().items()]


def make_names():
    variants = []
    for family in MAKERS:
        for width in (0.35, 0.5, 0.75, 1, 1.25):
            variants.append({"family": family, "width": width})
            if family != "mobilenet_v2":
                variants.append({"family": family, "width": width, "reducedTail": True})
                variants.append({"family": family, "width": width, "dilated": True, "classes": 10})
    hashes = []
    for architecture in variants:
        names = lines(build(architecture))
        digest = hashlib.sha256("\n".join(names).encode()).hexdigest()
        hashes.append({"architecture": architecture, "keys": len(names), "sha256": digest})
    lists = {family: lines(MAKERS[family](weights=None)) for family in MAKERS}
    return {"hashes": hashes, "lists": lists}


class ExactHardsigmoid(torch.nn.Module):
    """PyTorch's own multiplies by 1/6 rounded to single precision, in double precision too."""

    def forward(self, x):
        return torch.nn.functional.relu6(x + 3) / 6


class ExactHardswish(torch.nn.Module):
    def forward(self, x):
        return x * torch.nn.functional.relu6(x + 3) / 6


def make_exact(module):
    for name, child in module.named_children():
        if isinstance(child, torch.nn.Hardsigmoid):
            setattr(module, name, ExactHardsigmoid())
        elif isinstance(child, torch.nn.Hardswish):
            setattr(module, name, ExactHardswish())
        else:
            make_exact(child)


def run(architecture, resolution, images, probes):
    model = build(architecture).double()
    make_exact(model)
    with torch.no_grad():
        fill(model)
    pictures = golden_pictures(images, resolution)
    labels = torch.arange(images) % architecture["classes"]
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    model.eval()
    logits = model(pictures).detach().flatten().tolist()
    model.train()
    pictures.requires_grad_(True)
    training_logits = model(pictures)
    loss = torch.nn.functional.cross_entropy(training_logits, labels, label_smoothing=0.1)
    loss.backward()
    state = model.state_dict()
    parameters = dict(model.named_parameters())
    result = {
        "architecture": {**architecture, "dropout": 0},
        "resolution": resolution,
        "images": images,
        "logits": logits,
        "trainingLogits": training_logits.detach().flatten().tolist(),
        "meanLoss": loss.item(),
        "inputGradientNorm": pictures.grad.norm().item(),
        # [Euclidean norm, first element]
        "gradients": {name: [parameters[name].grad.norm().item(), parameters[name].grad.flatten()[0].item()] for name in probes},
        "running": {},
    }
    for name in (key for key in state if key.endswith("running_mean") or key.endswith("running_var")):
        if name.startswith("features.0.") or name.startswith("features.9."):
            result["running"][name] = state[name].norm().item()
    return result


RUNS = [
    ({"family": "mobilenet_v3_small", "width": 0.35, "classes": 4, "reducedTail": True, "reduction": 8}, 16, 3,
     ["features.0.0.weight", "features.1.block.0.1.bias", "features.1.block.1.fc1.weight", "features.1.block.1.fc2.bias",
      "features.9.block.1.0.weight", "features.12.1.weight", "classifier.0.weight", "classifier.3.bias"]),
    ({"family": "mobilenet_v3_large", "width": 0.35, "classes": 5, "dilated": True}, 40, 2,
     ["features.0.0.weight", "features.4.block.2.fc1.bias", "features.14.block.1.0.weight", "features.15.block.3.1.weight",
      "classifier.3.weight"]),
    ({"family": "mobilenet_v2", "width": 0.35, "classes": 3, "reduction": 16}, 24, 2,
     ["features.0.1.weight", "features.1.conv.1.weight", "features.5.conv.1.0.weight", "features.17.conv.3.weight",
      "classifier.1.weight"]),
]

if __name__ == "__main__":
    os.makedirs(GOLDENS, exist_ok=True)
    with open(os.path.join(GOLDENS, "names.json"), "w") as file:
        json.dump(make_names(), file, indent=1)
        file.write("\n")
    with open(os.path.join(GOLDENS, "numbers.json"), "w") as file:
        json.dump([run(*settings) for settings in RUNS], file, indent=1)
        file.write("\n")
