"""Functions of users, found by what a scenario writes of them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from ecosystem.errors import EcosystemError


def function_of(named: str, base: Path) -> Callable[..., Any]:
    """Return a function that is written ``module:name``, from beside the scenario or an installed package.

    Raises
    ------
    EcosystemError
        There is no such function.
    """
    module, _, name = named.partition(":")
    sys.path.insert(0, str(base))
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise EcosystemError(f"the judge python: there is no function {named}: {error}") from error
    finally:
        sys.path.remove(str(base))
    if not callable(found):
        raise EcosystemError(f"the judge python: {named} is no function")
    function: Callable[..., Any] = found
    return function
