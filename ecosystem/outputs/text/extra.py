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
        It is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise missing(what, _PACKAGES.get(module.partition(".")[0], module.partition(".")[0])) from error


_PACKAGES = {"sklearn": "scikit-learn", "rouge_score": "rouge-score"}
