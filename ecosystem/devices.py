"""Where numbers are computed: what a scenario asks for, and what this machine has."""

from __future__ import annotations

from ecosystem.errors import EcosystemError


def kind(asked: str) -> str:
    """Return the kind of device that `auto` means on this machine, a named one as it is.

    >>> kind("cpu")
    'cpu'
    """
    return ("cuda" if _has_cuda() else "cpu") if asked == "auto" else asked


def usable(asked: str) -> str:
    """Return the kind of device to compute on.

    Raises
    ------
    EcosystemError
        A GPU is asked for where torch finds none.
    """
    found = kind(asked)
    if found == "cuda" and not _has_cuda():
        raise EcosystemError(
            "device: torch finds no GPU with CUDA here (got 'cuda'); write cpu, or auto to take one where there is one"
        )
    return found


def _has_cuda() -> bool:
    import torch  # takes its time, and who names a device does not need it

    return torch.cuda.is_available()
