"""
Trains the twin of a bneck run in PyTorch: the network, pictures, augmentation and recipe of the
run's config.json, with PyTorch's own initialisation, random numbers, kernels and optimizer. Judges
the weights of the last epoch and those of the best epoch by validation on Fashion-MNIST's 10,000
test pictures. Progress goes to the error output, the result as one line of JSON to the output.

  pytorch_train.py CONFIG --seed 0 [--fashion-mnist FOLDER] [--threads 2]
  pytorch_train.py CONFIG --judge MODEL.safetensors ...    judges bneck's weights instead

CONFIG is a run's config.json. Shares of 1 are printed, not percents.
"""
import argparse
import json
import math
import os
import sys
import time

import torch
import torchvision

import pytorch_data
from pytorch_network import build_network

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tests", "torch"))
from tensor_files import read_tensors

VALIDATION_NAMES = ["val", "valid", "validation", "test"]
JUDGED_AT_A_TIME = 250


def learning_rate_at(schedule, step):
    """src/train/schedule.ts: a linear warm-up, then constant or half a cosine down to 0. Steps count from 0."""
    rate, warmup, total = schedule["learningRate"], schedule["warmupSteps"], schedule["totalSteps"]
    if step < warmup:
        return rate * (step + 1) / warmup
    if schedule["kind"] == "constant":
        return rate
    return rate * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))


def make_optimizer(network, options):
    """Weight decay pulls at the weights of convolutions and linear layers, not at batch norm and biases."""
    decayed = [parameter for parameter in network.parameters() if parameter.dim() > 1]
    others = [parameter for parameter in network.parameters() if parameter.dim() <= 1]
    groups = [{"params": decayed, "weight_decay": options["weightDecay"]}, {"params": others, "weight_decay": 0.0}]
    if options["kind"] == "adam":
        betas = (options["beta1"], options["beta2"])
        return torch.optim.Adam(groups, lr=0.0, betas=betas, eps=options["epsilon"])
    return torch.optim.SGD(groups, lr=0.0, momentum=options["momentum"], nesterov=options["nesterov"])


@torch.no_grad()
def judge(network, pictures, labels, normalize):
    """Accuracy and mean cross-entropy on bytes [N, 3, H, W]."""
    network.eval()
    correct, loss = 0, 0.0
    for start in range(0, len(labels), JUDGED_AT_A_TIME):
        part = slice(start, start + JUDGED_AT_A_TIME)
        logits = network(normalize(pictures[part]))
        correct += int((logits.argmax(1) == labels[part]).sum())
        loss += float(torch.nn.functional.cross_entropy(logits, labels[part], reduction="sum"))
    return {"accuracy": correct / len(labels), "loss": loss / len(labels)}


class Twin:
    def __init__(self, config, fashion_mnist):
        self.config = config
        self.recipe = config["recipe"]
        preprocessing = self.recipe["preprocessing"]
        self.normalize = pytorch_data.normalizer(preprocessing)
        self.evaluation = pytorch_data.evaluation_transform(preprocessing)
        class_names = config["data"]["classNames"]
        self.test = self.prepare(pytorch_data.read_fashion_test(fashion_mnist, class_names))

    def prepare(self, data):
        pictures, labels = data
        return pytorch_data.to_bytes([self.evaluation(picture) for picture in pictures]), labels

    def read_training_data(self):
        data = self.config["data"]
        if data["kind"] != "split-class-folders":
            raise SystemExit(f"the run's data are {data['kind']}; give a run on train and val class folders")
        names, path = data["classNames"], data["path"]
        part = next(name for name in VALIDATION_NAMES if os.path.isdir(os.path.join(path, name)))
        validation = self.prepare(pytorch_data.read_class_folders(os.path.join(path, part), names))
        pictures, labels = pytorch_data.read_class_folders(os.path.join(path, "train"), names)
        counts = torch.bincount(labels, minlength=len(names)).tolist()
        if counts != data["train"]["counts"]:
            raise SystemExit(f"{path}: {counts} training pictures a class, bneck had {data['train']['counts']}")
        return pytorch_data.reduce_large(pictures, self.recipe["trainShortSide"]), labels, validation

    def train(self, seed):
        recipe = self.recipe
        batch, schedule = recipe["batch"], recipe["schedule"]
        pictures, labels, validation = self.read_training_data()
        steps_per_epoch = len(labels) // batch
        assert steps_per_epoch * recipe["epochs"] == schedule["totalSteps"], "the schedule has another length"
        torch.manual_seed(seed)
        network = build_network(self.config["architecture"], self.recipe["batchNormMomentum"])
        optimizer = make_optimizer(network, recipe["optimizer"])
        criterion = torch.nn.CrossEntropyLoss(label_smoothing=recipe["labelSmoothing"])
        augment = pytorch_data.training_transform(recipe)
        step, best = 0, None
        for epoch in range(1, recipe["epochs"] + 1):
            start, loss_sum, correct = time.perf_counter(), 0.0, 0
            network.train()
            order = torch.randperm(len(labels)).tolist()
            for first in range(0, steps_per_epoch * batch, batch):
                chosen = order[first : first + batch]
                inputs = self.normalize(pytorch_data.to_bytes([augment(pictures[index]) for index in chosen]))
                for group in optimizer.param_groups:
                    group["lr"] = learning_rate_at(schedule, step)
                optimizer.zero_grad(set_to_none=True)
                logits = network(inputs)
                loss = criterion(logits, labels[chosen])
                loss.backward()
                optimizer.step()
                step += 1
                loss_sum += float(loss.detach())
                correct += int((logits.detach().argmax(1) == labels[chosen]).sum())
            seen = steps_per_epoch * batch
            train = {"loss": loss_sum / steps_per_epoch, "accuracy": correct / seen}
            seconds = time.perf_counter() - start
            on_validation = judge(network, *validation, self.normalize)
            rank = (on_validation["accuracy"], -on_validation["loss"])
            if best is None or rank > best["rank"]:
                weights = {name: tensor.clone() for name, tensor in network.state_dict().items()}
                best = {"rank": rank, "epoch": epoch, "weights": weights, "validation": on_validation}
            print(
                f"epoch {epoch}/{recipe['epochs']}  loss {train['loss']:.4f}  "
                f"validation {100 * on_validation['accuracy']:.2f}%  {seen / seconds:.0f} images/s",
                file=sys.stderr,
            )
        test = judge(network, *self.test, self.normalize)
        last = {"epoch": recipe["epochs"], "test": test, "validation": on_validation, "train": train}
        network.load_state_dict(best["weights"])
        test = judge(network, *self.test, self.normalize)
        best = {"epoch": best["epoch"], "test": test, "validation": best["validation"]}
        return {"seed": seed, "last": last, "best": best}

    def judge_file(self, path):
        network = build_network(self.config["architecture"], self.recipe["batchNormMomentum"])
        network.load_state_dict(read_tensors(path))
        return judge(network, *self.test, self.normalize)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("config")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fashion-mnist", default="/usr/share/datasets/fashion-mnist")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--judge", nargs="+", metavar="MODEL")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with open(options.config, encoding="utf-8") as file:
        config = json.load(file)
    start = time.perf_counter()
    twin = Twin(config, options.fashion_mnist)
    if options.judge:
        result = {"judged": [twin.judge_file(path) for path in options.judge]}
    else:
        result = twin.train(options.seed)
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__}
    seconds = time.perf_counter() - start
    print(json.dumps({**result, "testPictures": len(twin.test[1]), "seconds": seconds, **versions}))


main()
