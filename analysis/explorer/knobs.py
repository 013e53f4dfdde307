"""Which settings have sliders, and how far each slider goes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ecosystem.errors import EcosystemError, path_text
from ecosystem.scenario.arithmetic import names_in
from ecosystem.scenario.expressions import is_expression

if TYPE_CHECKING:
    from ecosystem.scenario.scenario import Scenario

_FINE = 100
"""Steps of a slider, about."""

_MOST = 12
"""More parameters than this are left to the scenario."""


@dataclass(frozen=True)
class Knob:
    """A slider.

    Attributes
    ----------
    key : str
        The parameter or path that it changes.
    name : str
        What a reader calls it.
    value, low, high, step : float
        Where it stands at first, its ends, and its step.
    whole : bool
        Whether it holds whole numbers.
    acts_on : tuple of str
        Paths of the settings that follow from it, where it is a parameter.
    """

    key: str
    name: str
    value: float
    low: float
    high: float
    step: float
    whole: bool = False
    acts_on: tuple[str, ...] = ()

    def read(self, written: Any) -> float:
        """Return what a slider sent as a number of this knob, within its ends."""
        found = float(written)
        if not math.isfinite(found):
            found = self.value
        inside = min(max(found, self.low), self.high)
        return round(inside) if self.whole else round(inside, 10)


@dataclass(frozen=True)
class _Setting:
    path: str
    name: str
    low: float
    high: float
    whole: bool = False


_SETTINGS = (
    _Setting("curated.fraction", "Share of models that are curated", 0.0, 1.0),
    _Setting("curated.curation.candidates", "Candidates a curator chooses from", 1, 16, whole=True),
    _Setting("curated.curation.temperature", "Curators' temperature (low is strict)", 0.05, 2.0),
    _Setting("learning.rate", "Learning rate, a round", 0.01, 1.0),
    _Setting("learning.sharing", "Sharing across kinds of prompt", 0.0, 1.0),
    _Setting("users.choice.temperature", "Users' temperature (low is choosy)", 0.02, 2.0),
)


def knobs(scenario: Scenario, swept: Mapping[str, list[float]] | None = None) -> tuple[Knob, ...]:
    """Return the sliders of a scenario: its parameters, then a few settings that it has.

    Parameters
    ----------
    scenario : Scenario
        A scenario without a sweep.
    swept : mapping of str to list of float, optional
        Values that a sweep gave to parameters; sliders reach them.

    Returns
    -------
    tuple of Knob
        Each with ends at which the scenario is valid, found by trying.
    """
    reached = swept or {}
    return (*_parameters(scenario, reached), *_settings(scenario))


def _parameters(scenario: Scenario, swept: Mapping[str, list[float]]) -> Iterator[Knob]:
    for name, value in list(scenario.parameters.items())[:_MOST]:
        if not math.isfinite(value):
            continue
        others = [value, *(each for each in swept.get(name, []) if math.isfinite(each))]
        low, high = _range(others)
        whole = all(float(each).is_integer() for each in others) and max(map(abs, others)) >= 2
        yield _within(
            scenario, Knob(name, name, value, low, high, _step(low, high, whole), whole, _uses(scenario, name))
        )


def _settings(scenario: Scenario) -> Iterator[Knob]:
    for setting in _SETTINGS:
        value = _number_at(scenario, setting.path)
        if value is None or (setting.path == "learning.sharing" and getattr(scenario.outputs, "contexts", 1) < 2):
            continue
        low, high = min(setting.low, value), max(setting.high, value)
        step = 1 if setting.whole else _step(low, high, whole=False)
        yield _within(scenario, Knob(setting.path, setting.name, value, low, high, step, setting.whole))


def _uses(scenario: Scenario, name: str) -> tuple[str, ...]:
    """Return the paths of the settings whose expressions name a parameter."""
    return tuple(path_text(path) for path, text in _expressions(scenario.document.data, ()) if name in names_in(text))


def _expressions(node: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if is_expression(node):
        yield path, node
    elif isinstance(node, Mapping):
        for key, value in node.items():
            yield from _expressions(value, (*path, str(key)))
    elif isinstance(node, (list, tuple)):
        for index, value in enumerate(node):
            # A reader knows a model by its name, not by its place in the list.
            named = value.get("name", index) if isinstance(value, Mapping) else index
            yield from _expressions(value, (*path, named))


def _range(values: list[float]) -> tuple[float, float]:
    """Return ends that suit some values: 0 to 1 for shares, from 0 to twice as far, or as far below 0 as above."""
    low, high = min(values), max(values)
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    far = 2 * max(abs(low), abs(high))
    return (0.0 if low >= 0 else -far), far


def _step(low: float, high: float, whole: bool) -> float:
    """Return a step of which about a hundred lead from end to end: 1, 2 or 5 times a power of ten."""
    rough = (high - low) / _FINE
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    return max(1.0, round(step)) if whole else step


def _within(scenario: Scenario, knob: Knob) -> Knob:
    """Return the knob with ends moved in to where the scenario is valid."""
    low, high = (_end(scenario, knob, end) for end in (knob.low, knob.high))
    return replace(knob, low=low, high=high)


def _end(scenario: Scenario, knob: Knob, end: float) -> float:
    """Return the farthest step towards an end that is valid, by halving; the value itself is."""
    steps = round(abs(end - knob.value) / knob.step)
    towards = math.copysign(knob.step, end - knob.value)
    good, bad = 0, steps + 1
    if _valid(scenario, knob, end):
        return end
    while bad - good > 1:
        middle = (good + bad) // 2
        if _valid(scenario, knob, knob.value + middle * towards):
            good = middle
        else:
            bad = middle
    return round(knob.value + good * towards, 10)


def _valid(scenario: Scenario, knob: Knob, value: float) -> bool:
    try:
        scenario.with_({knob.key: int(value) if knob.whole else round(value, 10)})
    except EcosystemError:
        return False
    return True


def _number_at(scenario: Scenario, path: str) -> float | None:
    """Return a setting that is a finite number written as such; what follows from a parameter has no slider."""
    found: Any = scenario
    written: Any = scenario.document.data
    for part in path.split("."):
        found = getattr(found, part, None)
        written = written.get(part) if isinstance(written, Mapping) else None
    if isinstance(written, str) or not isinstance(found, (int, float)) or isinstance(found, bool):
        return None
    return float(found) if math.isfinite(found) else None
