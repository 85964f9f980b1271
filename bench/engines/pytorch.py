"""
PyTorch's training steps: torchvision's MobileNetV3 with the same shapes, Adam, and floats that are
normalised already, in the memory format that is faster (tried once) or that is asked for. Speaks as
engine-process.js says, a line of JSON each way:
  (start)             -> {"version": "1.13.0", "settings": "..."} or {"absent": "why"}
  {"prepare": job}    -> {"variant": "channels_last", "multiplyAdds": 216589760}
  {"run": 5}          -> {"seconds": 4.9}
  {"peakMemory": true} -> {"bytes": 2000000000}
"""
import json
import os
import re
import resource
import sys
import time


def answer(value):
    print(json.dumps(value), flush=True)


try:
    import torch
    import torchvision

    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "accuracy"))
    from pytorch_network import build_network
except Exception as error:  # whatever keeps them from loading, the answer is the same
    answer({"absent": str(error).splitlines()[0]})
    sys.exit(0)

LEARNING_RATE = 1e-4
BATCH_NORM_MOMENTUM = 0.01
FORMATS = {"channels_last": torch.channels_last, "default layout": torch.contiguous_format}
# A memory format is tried for so many steps and so long, at least.
TRIAL_STEPS = 2
TRIAL_SECONDS = 0.5


def make_step(job, memory_format):
    """A function that makes one training step."""
    network = build_network(job["architecture"], BATCH_NORM_MOMENTUM).to(memory_format=memory_format)
    network.train()
    weights = [parameter for parameter in network.parameters() if parameter.dim() > 1]
    others = [parameter for parameter in network.parameters() if parameter.dim() <= 1]
    groups = [{"params": weights, "weight_decay": 1e-5}, {"params": others, "weight_decay": 0}]
    optimizer = torch.optim.Adam(groups, lr=LEARNING_RATE)
    criterion = torch.nn.CrossEntropyLoss(label_smoothing=0.1)
    pictures = torch.randn(job["batch"], 3, job["resolution"], job["resolution"]).to(memory_format=memory_format)
    labels = torch.tensor([index * 37 % job["classes"] for index in range(job["batch"])])

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = criterion(network(pictures), labels)
        loss.backward()
        optimizer.step()

    return step


def seconds_of(step, times):
    start = time.perf_counter()
    for _ in range(times):
        step()
    return time.perf_counter() - start


def faster_format(job):
    """The name of the memory format whose quickest step is shorter. The formats take turns."""
    steps = {name: make_step(job, memory_format) for name, memory_format in FORMATS.items()}
    for step in steps.values():
        step()
    times = {name: [] for name in FORMATS}
    while any(len(taken) < TRIAL_STEPS or sum(taken) < TRIAL_SECONDS for taken in times.values()):
        for name, step in steps.items():
            times[name].append(seconds_of(step, 1))
    return min(times, key=lambda name: min(times[name]))


def multiply_adds(job):
    """Of one picture's way through convolutions and linear layers, as the paper counts."""
    network = build_network(job["architecture"], BATCH_NORM_MOMENTUM).eval()
    counts = []

    def count(layer, _, output):
        if isinstance(layer, torch.nn.Conv2d):
            counts.append(output.numel() * layer.weight[0].numel())
        else:
            counts.append(layer.weight.numel())

    for layer in network.modules():
        if isinstance(layer, (torch.nn.Conv2d, torch.nn.Linear)):
            layer.register_forward_hook(count)
    with torch.no_grad():
        network(torch.zeros(1, 3, job["resolution"], job["resolution"]))
    return sum(counts)


def peak_memory():
    """Bytes that were resident at most."""
    try:
        with open("/proc/self/status") as file:
            return 1024 * int(re.search(r"^VmHWM:\s+(\d+) kB$", file.read(), re.MULTILINE).group(1))
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main():
    torch.manual_seed(0)
    step = None
    answer({"version": torch.__version__, "settings": "the faster of channels_last and the default layout, floats in"})
    for line in sys.stdin:
        request = json.loads(line)
        if "prepare" in request:
            job = request["prepare"]
            torch.set_num_threads(job["threads"])
            counted = multiply_adds(job)
            name = job["variant"] or faster_format(job)
            step = make_step(job, FORMATS[name])
            answer({"variant": name, "multiplyAdds": counted})
        elif "run" in request:
            answer({"seconds": seconds_of(step, request["run"])})
        elif "peakMemory" in request:
            answer({"bytes": peak_memory()})


main()
os._exit(0)  # torch takes a second to tidy up what ends anyway
