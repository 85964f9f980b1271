"""
Trains the twin of a bneck run in PyTorch: the network, pictures, augmentation and recipe of the
run's config.json, with PyTorch's own initialisation, random numbers, kernels and optimizer. Progress
goes to the error output, the result as one line of JSON to the output.

  pytorch_train.py CONFIG --seed 0 [--fashion-mnist FOLDER] [--threads 2] [--state FILE]
  pytorch_train.py CONFIG --judge MODEL.safetensors ...    judges bneck's weights instead

CONFIG is a run's config.json; the run itself may be under way yet. Shares of 1 are printed, not
percents. With --state the twin saves itself every epoch, and the same command goes on from there;
torch.load(FILE)["network"] are the latest weights.

Runs on class folders are judged on Fashion-MNIST's 10,000 test pictures: the weights of the last
epoch, and those of the best epoch by validation. Runs on IDX files are judged on the data's own test
part. That is their validation part too, so a best epoch would be one chosen on the test pictures:
there is none, only the last epoch counts.
"""
import argparse
import json
import os
import random
import sys
import time

import torch
import torchvision

import pytorch_data
from pytorch_network import build_network
from pytorch_recipe import job_of, learning_rates, require_twin  # lets tests/torch be found
from pytorch_state import restore_state, save_state
from optimizers import optimizer_of
from tensor_files import read_tensors

JUDGED_AT_A_TIME = 250


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


def say_epoch(epochs, total, pictures):
    last = epochs[-1]
    left = (total - len(epochs)) * last["seconds"] / 60
    print(
        f"epoch {len(epochs)}/{total}  loss {last['train']['loss']:.4f}  "
        f"validation {100 * last['validation']['accuracy']:.2f}%  "
        f"{pictures / last['train']['seconds']:.0f} images/s  {left:.0f} min left",
        file=sys.stderr,
        flush=True,
    )


class Twin:
    def __init__(self, config, fashion_mnist):
        self.config = config
        self.recipe = config["recipe"]
        self.normalize = pytorch_data.normalizer(self.recipe["preprocessing"])
        self.evaluation = pytorch_data.evaluation_transform(self.recipe["preprocessing"])
        self.data = pytorch_data.RunData(config["data"], fashion_mnist)
        self.test = self.prepare(self.data.test())

    def prepare(self, part):
        pictures, labels = part
        return torch.stack([self.evaluation(picture) for picture in pictures]), labels

    def build(self):
        return build_network(self.config["architecture"], self.recipe["batchNormMomentum"])

    def judge(self, network, part):
        return judge(network, *part, self.normalize)

    def train(self, seed, state_path):
        recipe = self.recipe
        require_twin(self.config)
        pictures, self.labels = self.data.train()
        self.pictures = pytorch_data.reduce_large(pictures, recipe["trainShortSide"])
        self.augment = pytorch_data.training_transform(recipe)
        self.criterion = torch.nn.CrossEntropyLoss(label_smoothing=recipe["labelSmoothing"])
        self.rates = learning_rates(recipe)
        self.steps = len(self.labels) // recipe["batch"]
        assert self.steps * recipe["epochs"] == len(self.rates), "the schedule has another length"
        validation = self.test if self.data.validates_on_test else self.prepare(self.data.validation())
        torch.manual_seed(seed)
        random.seed(seed)
        network = self.build()
        optimizer = optimizer_of(network, recipe)
        identity = {"seed": seed, **job_of(self.config)}
        books = {"epochs": [], "best": None}
        if state_path and os.path.exists(state_path):
            books = restore_state(state_path, identity, network, optimizer)
            print(f"goes on after epoch {len(books['epochs'])}", file=sys.stderr, flush=True)
        while len(books["epochs"]) < recipe["epochs"]:
            start = time.perf_counter()
            train = self.train_epoch(network, optimizer, first_step=len(books["epochs"]) * self.steps)
            on_validation = self.judge(network, validation)
            seconds = time.perf_counter() - start
            books["epochs"].append({"train": train, "validation": on_validation, "seconds": seconds})
            if not self.data.validates_on_test:
                self.keep_best(books, network)
            say_epoch(books["epochs"], recipe["epochs"], self.steps * recipe["batch"])
            if state_path:
                save_state(state_path, identity, network, optimizer, books)
        return {"seed": seed, **self.results(network, books), "epochs": books["epochs"], "job": job_of(self.config)}

    def train_epoch(self, network, optimizer, first_step):
        """One walk through the pictures in a new order; whole batches only."""
        start, loss_sum, correct = time.perf_counter(), 0.0, 0
        batch = self.recipe["batch"]
        network.train()
        order = torch.randperm(len(self.labels)).tolist()
        for step in range(self.steps):
            chosen = order[step * batch : (step + 1) * batch]
            inputs = self.normalize(torch.stack([self.augment(self.pictures[index]) for index in chosen]))
            for group in optimizer.param_groups:
                group["lr"] = self.rates[first_step + step]
            optimizer.zero_grad(set_to_none=True)
            logits = network(inputs)
            loss = self.criterion(logits, self.labels[chosen])
            loss.backward()
            optimizer.step()
            loss_sum += float(loss.detach())
            correct += int((logits.detach().argmax(1) == self.labels[chosen]).sum())
        seconds = time.perf_counter() - start
        return {"loss": loss_sum / self.steps, "accuracy": correct / (self.steps * batch), "seconds": seconds}

    def keep_best(self, books, network):
        """bneck's rule: the higher validation accuracy, or the same with a lower loss."""
        validation = books["epochs"][-1]["validation"]
        rank = (validation["accuracy"], -validation["loss"])
        if books["best"] is None or rank > books["best"]["rank"]:
            weights = {name: tensor.clone() for name, tensor in network.state_dict().items()}
            books["best"] = {"rank": rank, "epoch": len(books["epochs"]), "weights": weights}

    def results(self, network, books):
        """Of the weights in the network, the last ones, and then of the best, which take their place."""
        last, best = books["epochs"][-1], books["best"]
        results = {"last": {**last, "test": self.judge(network, self.test)}, "best": None}
        if best is not None:
            network.load_state_dict(best["weights"])
            validation = books["epochs"][best["epoch"] - 1]["validation"]
            test = self.judge(network, self.test)
            results["best"] = {"epoch": best["epoch"], "test": test, "validation": validation}
        # Of the epochs alone, as the column of bneck's metrics.csv, so that it holds for resumed twins too.
        return {**results, "seconds": sum(epoch["seconds"] for epoch in books["epochs"])}

    def judge_file(self, path):
        network = self.build()
        network.load_state_dict(read_tensors(path))
        return self.judge(network, self.test)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("config")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fashion-mnist", default="/usr/share/datasets/fashion-mnist")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--state", metavar="FILE")
    parser.add_argument("--judge", nargs="+", metavar="MODEL")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with open(options.config, encoding="utf-8") as file:
        config = json.load(file)
    twin = Twin(config, options.fashion_mnist)
    if options.judge:
        result = {"judged": [twin.judge_file(path) for path in options.judge]}
    else:
        if twin.data.validates_on_test:
            print("validates on the test pictures: only the last epoch counts", file=sys.stderr, flush=True)
        result = twin.train(options.seed, options.state)
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__}
    print(json.dumps({**result, "testPictures": len(twin.test[1]), "threads": options.threads, **versions}))


main()
