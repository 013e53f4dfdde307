"""What others add: curators, rules, networks, remedies, judges, learners, from a package or from a file.

A member is one class: its fields are its settings, as they stand in YAML, its method does the work::

    from ecosystem.plugins import Curator, Share


    class Lenient(Curator, name="lenient"):
        luck: Share = 0.5

        def keep(self, p, rho, candidates): ...

A package names it as an entry point (`ecosystem.plugins.registry.GROUPS`); a scenario names the file it is in, under
`plugins`. `ecosystem.testing` tries what every member must keep to.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecosystem.learners.craft import Craft
    from ecosystem.moments import mean_and_covariance, moments_of
    from ecosystem.plugins.files import load
    from ecosystem.plugins.kinds import ChoiceRule, Curator, FeedbackRule, Judge, Learner, NetworkGenerator, Remedy
    from ecosystem.plugins.plugin import Plugin
    from ecosystem.scenario.fields.common import Count, Name, NonNegative, Number, Positive, Share, Vector

_KINDS = "ecosystem.plugins.kinds"
_FIELDS = "ecosystem.scenario.fields.common"

_HOMES = {
    "ChoiceRule": _KINDS,
    "Count": _FIELDS,
    "Craft": "ecosystem.learners.craft",
    "Curator": _KINDS,
    "FeedbackRule": _KINDS,
    "Judge": _KINDS,
    "Learner": _KINDS,
    "Name": _FIELDS,
    "NetworkGenerator": _KINDS,
    "NonNegative": _FIELDS,
    "Number": _FIELDS,
    "Plugin": "ecosystem.plugins.plugin",
    "Positive": _FIELDS,
    "Remedy": _KINDS,
    "Share": _FIELDS,
    "Vector": _FIELDS,
    "load": "ecosystem.plugins.files",
    "mean_and_covariance": "ecosystem.moments",
    "moments_of": "ecosystem.moments",
}

__all__ = [
    "ChoiceRule",
    "Count",
    "Craft",
    "Curator",
    "FeedbackRule",
    "Judge",
    "Learner",
    "Name",
    "NetworkGenerator",
    "NonNegative",
    "Number",
    "Plugin",
    "Positive",
    "Remedy",
    "Share",
    "Vector",
    "load",
    "mean_and_covariance",
    "moments_of",
]


def __getattr__(name: str) -> Any:
    # The kinds know the scenario's fields, and these know what a plug-in is.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
