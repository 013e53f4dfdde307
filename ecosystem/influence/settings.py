"""A parameter as a lever: the derivative of the scenario's numbers by differences of settings alone.

The state is held, so that nothing has to converge again: eight rounds' settings give the derivative
of a smooth expression to about 1e-12 (a central difference of order 8).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from ecosystem.errors import EcosystemError, InputError
from ecosystem.influence.linearise import Linearisation
from ecosystem.influence.pushes import Push, SettingsPush
from ecosystem.influence.rounds import CENTRAL, Round, refuse
from ecosystem.influence.society import Society
from ecosystem.scenario.scenario import Scenario
from ecosystem.world.blueprint import blueprint

_ONE_SIDED = {0: -49 / 20, 1: 6.0, 2: -15 / 2, 3: 20 / 3, 4: -15 / 4, 5: 6 / 5, 6: -1 / 6}
_STEPS = (1e-2, 2e-3, 4e-4)
_AGREE = 1e-7
_BENT = 1e-4
_SMALL = 1e-3


class SettingsLever:
    """One parameter, or the path of one setting.

    Parameters
    ----------
    label : str
        Name of the lever.
    key : str
        The parameter or path.
    scenario : Scenario
        The scenario.
    seed : int
        The run's seed.
    round_ : Round or Society
        Its round, at the parameter's present value.

    Raises
    ------
    EcosystemError
        If it is no number, or cannot be changed a little, or what follows has no derivative there.
    """

    def __init__(self, label: str, key: str, scenario: Scenario, seed: int, round_: Round | Society) -> None:
        self.label = label
        value = _value(scenario, key)
        scale = max(abs(value), 0.1)
        refused: EcosystemError | None = None
        for step in _STEPS:
            for offsets in (CENTRAL, forward(1), forward(-1)):
                try:
                    self.stencil = Stencil(
                        lambda at: _round(scenario, key, at, seed, round_), value, step * scale, offsets
                    )
                except InputError as error:
                    refused = refused or EcosystemError(f"{label}: cannot be changed a little: {error}")
                    continue
                if self.stencil.smooth(round_):
                    return
                refused = EcosystemError(f"{label}: what follows from it has no derivative at its present value")
                break
        assert refused is not None
        raise refused

    def __call__(self, linear: Linearisation) -> Push:
        """Return what the parameter does to the round."""
        return SettingsPush(
            labels=(self.label,),
            learned=self.stencil.slope(lambda each: _of_models(each).data(linear.before, linear.after)),
            start=self.stencil.slope(lambda each: each.start),
            rate=float(self.stencil.slope(lambda each: torch.tensor(_of_models(each).rate, dtype=torch.float64))),
            measured=self.stencil.slope(lambda each: each.measured),
        )


def _of_models(round_: Round | Society) -> Round:
    assert isinstance(round_, Round)
    return round_


class Stencil:
    """A difference formula: rounds at values nearby, in two widths of which one is half the other.

    Raises
    ------
    InputError
        If a value is not allowed.
    """

    def __init__(
        self, at: Callable[[float], Round | Society], value: float, width: float, offsets: Mapping[int, float]
    ) -> None:
        self.width, self.offsets = width, offsets
        self.rounds = [{k: at(value + k * each) for k in offsets} for each in (width, 0.5 * width)]

    def slope(self, of: Callable[[Round | Society], Tensor], half: int = 0) -> Tensor:
        """Return the derivative of a quantity of rounds."""
        parts = [weight * of(self.rounds[half][k]) for k, weight in self.offsets.items()]
        return torch.stack(parts).sum(0) / (self.width * 0.5**half)

    def smooth(self, round_: Round | Society) -> bool:
        """Tell whether both widths agree, and slopes on both sides, as they do away from a kink."""

        def effect(each: Round | Society) -> Tensor:
            moved = torch.cat([each.step(round_.start).flatten(), each.measured.nan_to_num().flatten()])
            return torch.cat([moved, each.start.flatten()])

        wide, narrow = self.slope(effect, 0), self.slope(effect, 1)
        bound = _SMALL + float(wide.abs().max())
        if float((wide - narrow).abs().max()) > _AGREE * bound:
            return False
        if -1 not in self.offsets or 1 not in self.offsets:
            return True
        middle = effect(round_)
        bends = [
            (effect(rounds[1]) + effect(rounds[-1]) - 2 * middle) / (self.width * 0.5**half)
            for half, rounds in enumerate(self.rounds)
        ]
        return float((bends[1] - 0.5 * bends[0]).abs().max()) <= _BENT * bound


def _value(scenario: Scenario, key: str) -> float:
    if key in scenario.parameters:
        return float(scenario.parameters[key])
    node: Any = scenario.settings()
    for part in key.replace("[", ".").replace("]", "").split("."):
        node = _part(node, part)
    if not isinstance(node, (int, float)) or isinstance(node, bool):
        known = ", ".join(scenario.parameters) or "none"
        raise EcosystemError(f"parameter:{key}: is neither a parameter ({known}) nor the path of a number")
    return float(node)


def _part(node: Any, part: str) -> Any:
    """Return an entry of a mapping by key, or of a list by name, by ``from->to`` or by number; None without one."""
    if isinstance(node, dict):
        return node.get(part)
    if not isinstance(node, list):
        return None
    for entry in node:
        if isinstance(entry, dict) and part in (entry.get("name"), f"{entry.get('from')}->{entry.get('to')}"):
            return entry
    return node[int(part)] if part.isdecimal() and int(part) < len(node) else None


def _round(scenario: Scenario, key: str, value: float, seed: int, like: Round | Society) -> Round | Society:
    changed = scenario.with_({key: value})
    if isinstance(like, Society):
        refuse(changed)
        made: Round | Society = Society(blueprint(changed, seed), like.scale)
    else:
        made = Round(changed, seed)
    if made.start.shape != like.start.shape or made.plan.names != like.plan.names:
        raise EcosystemError(f"parameter:{key}: changes the size of the ecosystem, so it has no derivative")
    return made


def forward(sign: int) -> dict[int, float]:
    """Return weights of a difference of order 6 to one side, by offset."""
    return {sign * k: sign * weight for k, weight in _ONE_SIDED.items()}
