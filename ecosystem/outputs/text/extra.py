"""What is said where a package of the extra `[language]` is not installed."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from ecosystem.errors import EcosystemError
from ecosystem.extras import install


def missing(what: str, package: str) -> EcosystemError:
    """Return the error that a package is missing, to be raised."""
    return EcosystemError(f"{what} needs the package {package}: {install('language')}")


def needed(what: str, module: str) -> ModuleType:
    """Return a module of the extra.

    Raises
    ------
    EcosystemError
        It is not installed, or does not go with the versions of others.
    """
    top = module.partition(".")[0]
    package = _PACKAGES.get(top, top)
    try:
        return import_module(module)
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] == top:
            raise missing(what, package) from error
        raise EcosystemError(f"{what} needs the package {package}, which cannot be imported: {error}") from error


_PACKAGES = {"sklearn": "scikit-learn", "rouge_score": "rouge-score"}
