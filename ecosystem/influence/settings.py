"""A parameter as a lever: the derivative of the scenario's numbers by differences of settings alone.

The state is held, so that nothing has to converge again: eight rounds' settings give the derivative
of a smooth expression to about 1e-12 (a central difference of order 8).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ecosystem.errors import EcosystemError, InputError
from ecosystem.influence.linearise import Linearisation
from ecosystem.influence.pushes import Push, SettingsPush
from ecosystem.influence.rounds import CENTRAL, Round
from ecosystem.scenario.scenario import Scenario

_ONE_SIDED = {0: -49 / 20, 1: 6.0, 2: -15 / 2, 3: 20 / 3, 4: -15 / 4, 5: 6 / 5, 6: -1 / 6}
_STEPS = (1e-2, 2e-3, 4e-4)
_AGREE = 1e-6


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
    round_ : Round
        Its round, at the parameter's present value.

    Raises
    ------
    EcosystemError
        If it is no number, or cannot be changed a little, or what follows has no derivative there.
    """

    def __init__(self, label: str, key: str, scenario: Scenario, seed: int, round_: Round) -> None:
        self._label = label
        value = _value(scenario, key)
        self._stencil = _stencil(lambda at: _round(scenario, key, at, seed, round_), value, label)
        self._check(round_)

    def __call__(self, linear: Linearisation) -> Push:
        """Return what the parameter does to the round."""
        return SettingsPush(
            labels=(self._label,),
            learned=self._difference(lambda each: each.data(linear.before, linear.after)),
            start=self._difference(lambda each: each.start),
            rate=float(self._difference(lambda each: torch.tensor(each.rate, dtype=torch.float64))),
            measured=self._difference(lambda each: each.measured),
        )

    def _difference(self, of: Callable[[Round], Tensor], stencil: int = 0) -> Tensor:
        total: Tensor | None = None
        for weight, each in self._stencil[stencil]:
            part = weight * of(each)
            total = part if total is None else total + part
        assert total is not None
        return total

    def _check(self, round_: Round) -> None:
        """Compare two step widths: they agree unless an expression has a kink."""

        def effect(each: Round) -> Tensor:
            return torch.cat([each.step(round_.start).flatten(), each.measured.nan_to_num().flatten()])

        wide, narrow = self._difference(effect, 0), self._difference(effect, 1)
        if not bool(((wide - narrow).abs() <= _AGREE * (1e-3 + wide.abs().max())).all()):
            raise EcosystemError(f"{self._label}: what follows from it has no derivative at its present value")


def _value(scenario: Scenario, key: str) -> float:
    if key in scenario.parameters:
        return float(scenario.parameters[key])
    node: object = scenario.settings()
    for part in key.replace("[", ".").replace("]", "").split("."):
        if isinstance(node, list):
            names = [
                f"{e['from']}->{e['to']}"
                if "from" in e and "to" in e
                else e.get("name")
                if isinstance(e, dict)
                else None
                for e in node
            ]
            node = (
                node[names.index(part)]
                if part in names
                else node[int(part)]
                if part.isdecimal() and int(part) < len(node)
                else None
            )
        else:
            node = node.get(part) if isinstance(node, dict) else None
    if not isinstance(node, (int, float)) or isinstance(node, bool):
        known = ", ".join(scenario.parameters) or "none"
        raise EcosystemError(f"parameter:{key}: is neither a parameter ({known}) nor the path of a number")
    return float(node)


def _round(scenario: Scenario, key: str, value: float, seed: int, like: Round) -> Round:
    made = Round(scenario.with_({key: value}), seed)
    if made.start.shape != like.start.shape or made.plan.names != like.plan.names:
        raise EcosystemError(f"parameter:{key}: changes the size of the ecosystem, so it has no derivative")
    return made


def _stencil(at: Callable[[float], Round], value: float, label: str) -> list[list[tuple[float, Round]]]:
    """Return weights and rounds of the difference, with two step widths."""
    refused: InputError | None = None
    scale = max(abs(value), 0.1)
    for step in _STEPS:
        for offsets in (CENTRAL, _forward(1), _forward(-1)):
            try:
                return [
                    [(weight / width, at(value + offset * width)) for offset, weight in offsets.items()]
                    for width in (step * scale, 0.5 * step * scale)
                ]
            except InputError as error:
                refused = refused or error
    raise EcosystemError(f"{label}: cannot be changed a little: {refused}")


def _forward(sign: int) -> dict[int, float]:
    return {sign * k: sign * weight for k, weight in _ONE_SIDED.items()}
