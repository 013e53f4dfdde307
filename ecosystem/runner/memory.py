"""The most memory that this process holds while something is done."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

_PROCESS = Path("/proc/self")
_RESET_PEAK = "5"
"""What, written to ``clear_refs``, makes Linux forget the peak so far."""


def forget_peak() -> None:
    """Begin to count anew, where the system can; elsewhere the peak is that of the process's whole life."""
    with suppress(OSError):
        (_PROCESS / "clear_refs").write_text(_RESET_PEAK, encoding="ascii")


def peak() -> int | None:
    """Return the most resident memory since `forget_peak`, in bytes; None where the system does not tell."""
    with suppress(OSError, ValueError):
        for line in (_PROCESS / "status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    try:
        import resource
    except ImportError:  # Windows
        return None
    import sys

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
