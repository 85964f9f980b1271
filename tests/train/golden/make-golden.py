"""
What PyTorch answers, for tests/train: twenty updates of a few weights with each optimizer, clipped
gradients, and the learning rates of its schedulers. Run by hand, with the output kept beside it:

  python3 tests/train/golden/make-golden.py > tests/train/golden/pytorch.json && npx biome format --write tests/train/golden
"""
import json
import sys
from pathlib import Path

import torch

sys.path.append(str(Path(__file__).parents[2] / "torch"))

from optimizers import make_optimizer  # noqa: E402

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


def main():
    torch.set_num_threads(1)
    print(json.dumps({"torch": torch.__version__, "optimizers": optimizer_traces(), "clipping": clipping()}))


main()
