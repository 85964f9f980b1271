"""Learning rates by PyTorch's schedulers, stepped once a step, from bneck's options (src/train/schedule.ts)."""
import warnings

import torch
from torch.optim import lr_scheduler as schedulers


def rates_of(case):
    """The rate of each step, counted from 0."""
    rate, total = case["learningRate"], case["totalSteps"]
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)
    kind, warmup = case["kind"], case["warmupSteps"]
    if kind == "one-cycle":
        factors = {"div_factor": 1 / case["startShare"], "final_div_factor": case["startShare"] / case["endShare"]}
        scheduler = schedulers.OneCycleLR(
            optimizer, max_lr=rate, total_steps=total, pct_start=warmup / total, cycle_momentum=False, **factors
        )
    else:
        # A warm-up first, since a scheduler sets the rate when it is made.
        linear = schedulers.LinearLR(optimizer, start_factor=1 / warmup, total_iters=warmup - 1) if warmup else None
        scheduler = falling(optimizer, case, total - warmup)
        if linear is not None:
            scheduler = schedulers.SequentialLR(optimizer, [linear, scheduler], milestones=[warmup])
    rates = []
    for _ in range(total):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(rates) < total:
            scheduler.step()
    return rates


def falling(optimizer, case, steps):
    kind = case["kind"]
    if kind == "constant":
        return schedulers.ConstantLR(optimizer, factor=1.0)
    if kind == "cosine":
        return schedulers.CosineAnnealingLR(optimizer, T_max=steps, eta_min=case["leastRate"])
    if kind == "step":
        return schedulers.StepLR(optimizer, case["everySteps"], case["factor"])
    return schedulers.ExponentialLR(optimizer, case["factor"] ** (1 / case["everySteps"]))


def schedule_rates(spec, _folder=None):
    # SequentialLR itself calls its schedulers in a way that PyTorch 1.13 warns about.
    warnings.filterwarnings("ignore", message="The epoch parameter")
    return {"rates": rates_of(spec)}
