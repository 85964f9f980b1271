"""
A bneck run's recipe in PyTorch: what of it the twin does, and PyTorch's own optimizers and schedulers
for it, those that `npm run test:torch` compares bneck's with. Whatever the twin does not do is refused,
never passed over: a twin of another recipe would prove nothing.
"""
import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "torch"))
from schedules import schedule_rates

# What the twin does as the recipe says (validationFraction says nothing about data that are divided already),
DONE = {
    "seed", "epochs", "batch", "optimizer", "decayNormAndBias", "schedule", "labelSmoothing", "batchNormMomentum",
    "augmentation", "preprocessing", "trainShortSide", "validationFraction",
}  # fmt: skip
# and what the rest of it must be.
LEFT_OUT = {
    "accumulate": 1,
    "clipNorm": None,
    "classWeights": None,
    "balancedSampling": False,
    "mixing": None,
    "average": None,
    "fineTuning": None,
    "patience": None,
    "skipBad": False,
}


def require_twin(config):
    """Ends the program with what of the run the twin does not do, if there is anything."""
    recipe = config["recipe"]
    known = DONE | LEFT_OUT.keys()
    problems = [f"{name} is {recipe[name]}" for name, value in LEFT_OUT.items() if recipe.get(name, value) != value]
    problems += [f"{name} is {value}, which it does not know" for name, value in recipe.items() if name not in known]
    problems += [f"the recipe lacks {name}" for name in sorted(DONE - recipe.keys())]
    if not any(reason.startswith("fresh weights") for reason in config["reasons"]):
        problems.append("the run did not start from fresh weights")
    if problems:
        raise SystemExit(f"the PyTorch twin does not do this recipe: {'; '.join(problems)}.")


def job_of(config):
    """What must be equal for two results to be comparable: everything but the seed and where the data are."""
    recipe = {name: value for name, value in config["recipe"].items() if name != "seed"}
    return {"architecture": config["architecture"], "recipe": recipe}


def learning_rates(recipe):
    """The rate of each step of the run."""
    return schedule_rates(recipe["schedule"])["rates"]
