"""Where numbers are computed: what a scenario asks for, and what this machine has."""

from __future__ import annotations

import os

from ecosystem.errors import EcosystemError


def kind(asked: str) -> str:
    """Return the kind of device that `auto` means on this machine, a named one as it is.

    >>> kind("cpu")
    'cpu'
    """
    return ("cuda" if _has_cuda() else "cpu") if asked == "auto" else asked


def usable(asked: str) -> str:
    """Return the kind of device to compute on, made ready for it: a GPU then gives the same bits every time.

    For that torch must keep, in this process, to algorithms that do not depend on which thread comes first.

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
    if found == "cuda":
        _repeat_bits()
    return found


def _repeat_bits() -> None:
    """Let torch use what gives the same sums every time, and warn where it has nothing of the kind.

    cuBLAS reads its setting when it is first used. Memory that is about to be written need not be filled with NaN.
    Attention that saves memory or time adds up gradients in the order in which threads come.
    """
    import torch

    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cuda.enable_mem_efficient_sdp(False)
    torch.backends.cuda.enable_flash_sdp(False)
    torch.backends.cuda.enable_cudnn_sdp(False)


def _has_cuda() -> bool:
    import torch  # takes its time, and who names a device does not need it

    return torch.cuda.is_available()
