"""Libraries that only some commands need: whether they are there, and how to get them."""

from __future__ import annotations

from ecosystem.errors import EcosystemError


def install(extra: str) -> str:
    """Return the command that installs an extra, quoted as every shell reads it.

    >>> install("report")
    'pip install "ecosystem-sim[report]"'
    """
    return f'pip install "ecosystem-sim[{extra}]"'


def need(what: str, extra: str, *modules: str) -> None:
    """Raise if the libraries of an extra are not there.

    Parameters
    ----------
    what : str
        What needs them, for the message.
    extra : str
        The extra that brings them.
    modules : str
        Names by which they are imported.

    Raises
    ------
    EcosystemError
        With the command that installs them.
    """
    from importlib.util import find_spec

    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        names, are = ", ".join(missing), "is" if len(missing) == 1 else "are"
        raise EcosystemError(f"{what} needs {names}, which {are} missing: {install(extra)}")
