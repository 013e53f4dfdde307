"""From a file, or the name of a shipped scenario, to a scenario."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ecosystem.errors import InputError
from ecosystem.scenario.reader import read
from ecosystem.scenario.scenario import Scenario, changed
from ecosystem.scenario.shipped import find
from ecosystem.scenario.sweeps import refuse_idle


def load_scenario(
    source: str | os.PathLike[str], overrides: Mapping[str, Any] | None = None, *, allow_code: bool = False
) -> Scenario:
    """Load a scenario.

    Parameters
    ----------
    source : str or path
        A YAML file, or the name of a shipped scenario.
    overrides : mapping of str to value, optional
        Settings to change, by parameter's name or path; see `Scenario.with_`.
    allow_code : bool
        Whether Python files that the scenario names under `plugins` may be run.

    Returns
    -------
    Scenario

    Raises
    ------
    InputError
        With everything that is wrong, each as ``file:line:column: path: what is wrong``.
    """
    document = replace(read(find(source)), allow_code=allow_code)
    if overrides and isinstance(document.data, Mapping):
        try:
            document = changed(document, overrides)
        except InputError as error:
            raise InputError([*document.problems, *error.problems]) from None
    scenario = Scenario.from_document(document)
    refuse_idle(scenario, overrides or {})
    return scenario
