"""PyTorch's optimizers by bneck's options, and the one that it does not have."""
import torch


class TensorFlowRMSprop(torch.optim.Optimizer):
    """RMSprop with epsilon inside the root; momentum on the scaled gradient, as torch.optim.RMSprop has it."""

    def __init__(self, parameters, **settings):
        super().__init__(parameters, {"lr": 0.0, "weight_decay": 0.0, **settings})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for parameter in group["params"]:
                state = self.state[parameter]
                if not state:
                    state["square"] = torch.zeros_like(parameter)
                    state["velocity"] = torch.zeros_like(parameter)
                gradient = parameter.grad + group["weight_decay"] * parameter
                state["square"].mul_(group["alpha"]).addcmul_(gradient, gradient, value=1 - group["alpha"])
                root = (state["square"] + group["eps"]).sqrt()
                state["velocity"].mul_(group["momentum"]).addcdiv_(gradient, root)
                parameter.sub_(group["lr"] * state["velocity"])


def make_optimizer(groups, options):
    """Learning rates are set before each step; weight decay stands in the groups."""
    kind = options["kind"]
    if kind == "sgd":
        return torch.optim.SGD(groups, lr=0.0, momentum=options["momentum"], nesterov=options["nesterov"])
    if kind in ("adam", "adamw"):
        maker = torch.optim.Adam if kind == "adam" else torch.optim.AdamW
        return maker(groups, lr=0.0, betas=(options["beta1"], options["beta2"]), eps=options["epsilon"])
    assert kind == "rmsprop"
    maker = TensorFlowRMSprop if options["epsilonInside"] else torch.optim.RMSprop
    return maker(groups, lr=0.0, alpha=options["alpha"], momentum=options["momentum"], eps=options["epsilon"])


def optimizer_of(network, recipe):
    """Weight decay pulls at the weights of convolutions and linear layers; at batch norm and biases if asked to."""
    decay = recipe["optimizer"]["weightDecay"]
    decayed = [parameter for parameter in network.parameters() if parameter.dim() > 1]
    others = [parameter for parameter in network.parameters() if parameter.dim() <= 1]
    other_decay = decay if recipe["decayNormAndBias"] else 0.0
    groups = [{"params": decayed, "weight_decay": decay}, {"params": others, "weight_decay": other_decay}]
    return make_optimizer(groups, recipe["optimizer"])
