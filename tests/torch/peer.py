"""
PyTorch's side of `npm run test:torch`: answers one request a line, JSON in and out, until the input
ends. A request names a task, its options and a folder for tensors. Started by tests/torch/peer.js.

  peer.py THREADS
"""
import json
import sys

try:
    import PIL
    import torch
    import torchvision

    from augmentations import augmentations
    from logits import logits
    from pictures import pictures
    from round_trip import compare_file, write_files
    from schedules import schedule_rates
    from training import gradients, trace
except ModuleNotFoundError as error:
    if error.name not in ("PIL", "numpy", "torch", "torchvision"):
        raise
    print(json.dumps({"missing": error.name}))
    sys.exit(0)

TASKS = {
    task.__name__: task
    for task in (
        logits, gradients, trace, schedule_rates, write_files, compare_file, pictures, augmentations
    )
}


def main():
    torch.set_num_threads(int(sys.argv[1]))
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__, "Pillow": PIL.__version__}
    print(json.dumps({"versions": versions}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(TASKS[request["task"]](request["spec"], request["folder"])), flush=True)


main()
