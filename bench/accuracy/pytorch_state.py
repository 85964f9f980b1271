"""
The state of a twin between two epochs, in one file: weights, optimizer, both generators of random
numbers and the books. A twin that goes on from it ends as one that was never stopped. The file is
replaced whole, so that there is always a good one.
"""
import os
import random

import torch


def save_state(path, identity, network, optimizer, books):
    """identity: what the file belongs to; books: whatever the caller wants back."""
    state = {
        "identity": identity,
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "torchRandom": torch.get_rng_state(),
        "pythonRandom": random.getstate(),
        "books": books,
    }
    with open(f"{path}.new", "wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(f"{path}.new", path)


def restore_state(path, identity, network, optimizer):
    """Brings everything back to where it was and returns the books."""
    state = torch.load(path)
    if state["identity"] != identity:
        raise SystemExit(f"{path}: the state of another seed, recipe or network; name another file")
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    torch.set_rng_state(state["torchRandom"])
    random.setstate(state["pythonRandom"])
    return state["books"]
