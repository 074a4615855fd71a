"""Where scenes are rendered."""

DEVICES = ("auto", "cpu", "cuda", "mps")


def chosen_device(name: str = "auto") -> str:
    """The device of this name, or the best there is; one thread for each process on a CPU.

    Sums over more threads round otherwise, and equal seeds shall give equal files on machines of
    any number of cores.
    """
    import torch

    if name not in DEVICES:
        raise ValueError(f"device {name}, expected one of {', '.join(DEVICES)}")
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if name == "auto":
        name = next(n for n in ("cuda", "mps", "cpu") if there[n])
    if not there[name]:
        raise ValueError(f"device {name}: there is none here")
    if name == "cpu":
        torch.set_num_threads(1)
    return name
