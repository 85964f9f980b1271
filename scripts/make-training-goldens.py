"""Writes tests/golden/training.json from a live PyTorch: updates of a few weights, clipped gradients, learning
rates, losses, averages. Run where torch is installed (python3 scripts/make-training-goldens.py), then let the
formatter lay the file out. Never shipped.
"""
import json
import os
import sys

import torch
from torch.optim.swa_utils import AveragedModel

TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests")
GOLDEN = os.path.join(TESTS, "golden", "training.json")
sys.path.append(os.path.join(TESTS, "torch"))

from optimizers import make_optimizer  # noqa: E402
from schedules import schedule_rates  # noqa: E402

STEPS = 20
WEIGHTS = 12


def numbers(tensor):
    return [float(value) for value in tensor.flatten()]


ADAM = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
RMSPROP = {"alpha": 0.9, "momentum": 0.9}
OPTIMIZERS = [
    {"kind": "sgd", "momentum": 0.9, "nesterov": False, "weightDecay": 0.01},
    {"kind": "sgd", "momentum": 0.9, "nesterov": True, "weightDecay": 0.01},
    {"kind": "adam", **ADAM, "weightDecay": 0.01},
    {"kind": "adamw", **ADAM, "weightDecay": 0.1},
    {"kind": "rmsprop", **RMSPROP, "epsilon": 0.0316, "epsilonInside": False, "weightDecay": 0.01},
    {"kind": "rmsprop", **RMSPROP, "epsilon": 0.001, "epsilonInside": True, "weightDecay": 0.01},
]


def optimizer_traces():
    generator = torch.Generator().manual_seed(1)
    start = torch.randn(WEIGHTS, generator=generator)
    gradients = [torch.randn(WEIGHTS, generator=generator) for _ in range(STEPS)]
    rates = [0.02 * (1 - step / (2 * STEPS)) for step in range(STEPS)]
    traces = []
    for options in OPTIMIZERS:
        weights = torch.nn.Parameter(start.clone())
        optimizer = make_optimizer([{"params": [weights], "weight_decay": options["weightDecay"]}], options)
        for gradient, rate in zip(gradients, rates):
            optimizer.param_groups[0]["lr"] = rate
            weights.grad = gradient.clone()
            optimizer.step()
        traces.append({"optimizer": options, "weights": numbers(weights.detach())})
    return {"start": numbers(start), "gradients": [numbers(g) for g in gradients], "rates": rates, "traces": traces}


def clipping():
    """Two parameters whose gradients are clipped together."""
    generator = torch.Generator().manual_seed(2)
    parameters = [torch.nn.Parameter(torch.zeros(size)) for size in (8, 20)]
    for parameter in parameters:
        parameter.grad = torch.randn(parameter.shape, generator=generator)
    before = [numbers(parameter.grad) for parameter in parameters]
    cases = []
    for limit in (0.5, 100.0):
        for parameter, values in zip(parameters, before):
            parameter.grad = torch.tensor(values)
        norm = torch.nn.utils.clip_grad_norm_(parameters, limit)
        cases.append({"limit": limit, "norm": float(norm), "after": [numbers(p.grad) for p in parameters]})
    return {"before": before, "cases": cases}


def losses():
    """Mean losses and their gradients; mixed labels as the mixture of two losses, as reference scripts write it."""
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(6, 5, generator=generator) * 2
    labels, partners = (torch.randint(5, (6,), generator=generator) for _ in range(2))
    weights = torch.tensor([0.5, 1.0, 2.0, 4.0, 0.25])
    cases = []
    for smoothing, weighted, share in [(0.0, 0, 1.0), (0.1, 0, 1.0), (0.0, 1, 1.0), (0.2, 1, 1.0), (0.1, 0, 0.7)]:
        leaf = logits.clone().requires_grad_()
        options = {"label_smoothing": smoothing, "weight": weights if weighted else None}
        loss = share * torch.nn.functional.cross_entropy(leaf, labels, **options)
        if share < 1:
            loss = loss + (1 - share) * torch.nn.functional.cross_entropy(leaf, partners, **options)
        loss.backward()
        case = {"labelSmoothing": smoothing, "classWeights": numbers(weights) if weighted else None, "share": share}
        cases.append({**case, "loss": float(loss), "gradient": numbers(leaf.grad)})
    return {"logits": numbers(logits), "labels": labels.tolist(), "partners": partners.tolist(), "cases": cases}


def schedules():
    """Rates of all steps, by torch.optim.lr_scheduler stepped once a step, with its own linear warm-up."""
    course = {"learningRate": 0.4, "totalSteps": 60}
    cases = [
        {"kind": "constant", "warmupSteps": 0},
        {"kind": "constant", "warmupSteps": 7},
        {"kind": "cosine", "warmupSteps": 0, "leastRate": 0.0},
        {"kind": "cosine", "warmupSteps": 9, "leastRate": 0.01},
        {"kind": "step", "warmupSteps": 5, "everySteps": 8, "factor": 0.3},
        {"kind": "exponential", "warmupSteps": 4, "everySteps": 1, "factor": 0.9},
        {"kind": "exponential", "warmupSteps": 0, "everySteps": 10, "factor": 0.5},
        {"kind": "one-cycle", "warmupSteps": 18, "startShare": 1 / 25, "endShare": 1 / 25 / 1e4},
        {"kind": "one-cycle", "warmupSteps": 2, "startShare": 0.1, "endShare": 0.001},
    ]
    return [
        {"schedule": {**case, **course}, **schedule_rates({**case, **course})}
        for case in cases
    ]


def averages():
    """AveragedModel with torchvision's exponential average, moved after every second step, copying at first."""
    decay, every, copied = 0.8, 2, 4
    generator = torch.Generator().manual_seed(4)
    model = torch.nn.Linear(WEIGHTS, 1, bias=False)
    average = AveragedModel(model, avg_fn=lambda kept, value, _: decay * kept + (1 - decay) * value)
    weights = []
    for step in range(1, STEPS + 1):
        model.weight.data = torch.randn(1, WEIGHTS, generator=generator)
        weights.append(numbers(model.weight.detach()))
        if step % every == 0:
            if step <= copied:
                average.n_averaged.fill_(0)
            average.update_parameters(model)
    options = {"decay": decay, "everySteps": every, "copySteps": copied}
    return {"options": options, "weights": weights, "average": numbers(average.module.weight.detach())}


if __name__ == "__main__":
    torch.set_num_threads(1)
    answers = {"optimizers": optimizer_traces(), "clipping": clipping(), "averages": averages()}
    golden = {"torch": torch.__version__, **answers, "schedules": schedules(), "losses": losses()}
    with open(GOLDEN, "w") as file:
        json.dump(golden, file, indent=1)
        file.write("\n")
