"""
PyTorch's side of bench/run.js: training steps of torchvision's MobileNetV3 with the same shapes,
in the memory format that is fastest on a processor (channels_last), with Adam. It answers one line of JSON for
each line it reads, so that run.js can let it take turns with bneck:
  (start)                                                  -> {"version": "1.13.0"} or {"absent": "why"}
  {"model": "large", "resolution": 224, "batch": 32, "threads": 1, "times": 5} -> {"seconds": 4.9}
  {"forget": true}                                         -> {}   lets go of the networks
Pictures and labels are in memory already; nothing is decoded.
"""
import json
import sys
import time


def answer(value):
    print(json.dumps(value), flush=True)


try:
    import torch
    import torchvision
except Exception as error:  # whatever keeps them from loading, the answer is the same
    answer({"absent": str(error).splitlines()[0]})
    sys.exit(0)

CLASSES = 1000
LEARNING_RATE = 1e-4


def make_step(model, resolution, batch):
    """A function that makes one training step."""
    constructor = {
        "large": torchvision.models.mobilenet_v3_large,
        "small": torchvision.models.mobilenet_v3_small,
    }[model]
    network = constructor(weights=None, num_classes=CLASSES).to(memory_format=torch.channels_last)
    network.train()
    weights = [parameter for parameter in network.parameters() if parameter.dim() > 1]
    others = [parameter for parameter in network.parameters() if parameter.dim() <= 1]
    groups = [{"params": weights, "weight_decay": 1e-5}, {"params": others, "weight_decay": 0}]
    optimizer = torch.optim.Adam(groups, lr=LEARNING_RATE)
    criterion = torch.nn.CrossEntropyLoss(label_smoothing=0.1)
    pictures = torch.randn(batch, 3, resolution, resolution).to(memory_format=torch.channels_last)
    labels = torch.tensor([index * 37 % CLASSES for index in range(batch)])

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = criterion(network(pictures), labels)
        loss.backward()
        optimizer.step()

    return step


def main():
    torch.manual_seed(0)
    steps = {}
    answer({"version": torch.__version__})
    for line in sys.stdin:
        request = json.loads(line)
        if request.get("forget"):
            steps.clear()
            answer({})
            continue
        key = (request["model"], request["resolution"], request["batch"])
        if key not in steps:
            steps[key] = make_step(*key)
        torch.set_num_threads(request["threads"])
        start = time.perf_counter()
        for _ in range(request["times"]):
            steps[key]()
        answer({"seconds": time.perf_counter() - start})


main()
