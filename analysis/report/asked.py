"""What was asked: the scenario in a few facts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from analysis.plots.style import number
from analysis.report.design import Design, Factor

if TYPE_CHECKING:
    from ecosystem.scenario.scenario import Scenario

_DRAWN = ("draw", "generator", "fraction")
"""Settings whose values are drawn at random, with the run's seed."""


def facts(scenario: Scenario, layout: Design) -> Iterator[tuple[str, str]]:
    """Tell what the ecosystem is made of: pairs of a term and a text."""
    yield "Models", _models(scenario)
    yield "Outputs", _outputs(scenario)
    yield "Rounds", _rounds(scenario)
    if scenario.users is not None:
        yield "Users", _users(scenario)
    if scenario.remedy is not None:
        yield "Remedy", scenario.remedy.method.replace("_", " ")
    if scenario.events:
        yield "Events", counted(len(scenario.events), "event")
    if layout.points > 1:
        yield "Sweep", f"{layout.points} points: " + " × ".join(_factor(factor) for factor in layout.factors)
    yield "Seeds", number(layout.seeds)


def chance(scenario: Scenario, layout: Design) -> str:
    """Say what is random in the numbers, and what their intervals mean."""
    drawn = draws(scenario.settings())
    if layout.seeds > 1:
        return f"Intervals are 95%, Student’s t over {layout.seeds:,} seeds; what belongs to one run is averaged first."
    if scenario.mode == "sampled":
        return (
            "There is one seed, and training sets are drawn: nothing here says how much another draw would differ. "
            "For intervals, run it with --seeds 20."
        )
    if drawn:
        return (
            "Each round is the population limit, but part of the ecosystem is drawn at random "
            f"({', '.join(drawn)}), once, with one seed: another draw gives other numbers. "
            "For intervals, run it with --seeds 20."
        )
    return (
        "Nothing here is drawn at random: each round is the population limit, and another seed gives the same numbers."
    )


def draws(settings: dict[str, Any]) -> list[str]:
    """Return which blocks of a scenario are drawn at random."""
    return [key for key, value in settings.items() if key not in ("sweep", "expect") and _drawn(value)]


def _drawn(value: Any) -> bool:
    if isinstance(value, dict):
        return any(key in _DRAWN and entry is not None for key, entry in value.items()) or any(
            map(_drawn, value.values())
        )
    return isinstance(value, list) and any(map(_drawn, value))


def counted(count: int, thing: str) -> str:
    """Return a count with what is counted, in the plural where it is due.

    >>> counted(1, "run"), counted(1200, "run")
    ('1 run', '1,200 runs')
    """
    return f"{count:,} {thing}{'s' if count != 1 else ''}"


def _factor(factor: Factor) -> str:
    name = factor.name if len(factor.columns) == 1 else f"({factor.name})"
    return f"{name}, {factor.levels} values" if factor.levels > 1 else name


def _models(scenario: Scenario) -> str:
    names = scenario.model_names
    curated = [entry for entry in scenario.models if entry.curation is not None]
    text = counted(len(names), "model")
    if len(names) <= 6:
        text += f" ({', '.join(names)})"
    if scenario.curated is not None:
        text += ", a part of them curated"
    elif curated:
        count = sum(len(entry.names) for entry in curated)
        text += ", curated" if count == len(names) else f", {count} of them curated"
    generator = getattr(scenario.network, "generator", None)
    edges = getattr(scenario.network, "edges", None)
    if generator is not None:
        text += f"; {generator} network"
    elif edges:
        text += f"; {counted(len(edges), 'edge')}"
    return text


def _outputs(scenario: Scenario) -> str:
    outputs = scenario.outputs
    size = getattr(outputs, "size", None)
    dimension = getattr(outputs, "dimension", None)
    text: str = outputs.kind
    if outputs.kind == "categorical" and size is not None:
        text += f", {counted(size, 'output')}"
    elif dimension is not None:
        text += f", {counted(dimension, 'dimension')}"
    source = getattr(getattr(outputs, "data", None) or getattr(outputs, "corpus", None), "source", None)
    if source is not None:
        text += f" ({source})"
    if outputs.contexts > 1:
        text += f", {counted(outputs.contexts, 'context')} (kinds of prompt)"
    return text


def _rounds(scenario: Scenario) -> str:
    rounds = scenario.rounds
    most = rounds if isinstance(rounds, int) else rounds.max
    until = "" if isinstance(rounds, int) or getattr(rounds, "until", None) is None else ", or until nothing moves"
    regime = scenario.learning.regime
    way = "trained anew each round" if regime == "retrain" else "trained on, round after round"
    mode = "population limit" if scenario.mode == "exact" else "finite training sets"
    return f"at most {most:,}{until}; {way}; {mode}" if until else f"{most:,}; {way}; {mode}"


def _users(scenario: Scenario) -> str:
    users = scenario.users
    assert users is not None
    total = sum(group.size for group in users.groups)
    named = [group.name for group in users.groups[:6]]
    more = f" and {len(users.groups) - 6} more" if len(users.groups) > 6 else ""
    return f"{total:,.0f} in {counted(len(users.groups), 'group')} ({', '.join(named)}{more})"
