"""An aim as a function of how curation is divided among models."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecosystem.errors import EcosystemError
from ecosystem.influence.implicit import Aim, alignment, slope, weights
from ecosystem.influence.levers import curation
from ecosystem.influence.linearise import Linearisation
from ecosystem.influence.rounds import Round
from ecosystem.influence.shares import curated_shares, with_shares
from ecosystem.influence.spectrum import leading
from ecosystem.influence.stable import NEUTRAL, find, require, settle
from ecosystem.scenario.scenario import Scenario

Array = NDArray[np.float64]


class Problem:
    """The aim at the stable point as a function of curated shares.

    Parameters
    ----------
    scenario : Scenario
        An exact scenario without a sweep.
    aim : str or mapping
        `mean`, `worst`, or a weight for each named model.
    cap : float
        The largest curated share of a model.
    seed : int
        The run's seed.

    Raises
    ------
    EcosystemError
        If there is no stable point that attracts, no lever, or the aim or cap makes no sense.
    """

    def __init__(self, scenario: Scenario, aim: Aim, cap: float, seed: int) -> None:
        self.round = Round(scenario, seed)
        self.aim, self.cap = aim, cap
        self.shares = curated_shares(self.round.plan)
        if len(self.shares.models) == 0:
            raise EcosystemError("no model of this scenario has the lever curation")
        curation(self.round.plan)  # refuses a share of 1
        if not 0 < cap < 1:
            raise EcosystemError(f"cap: must be between 0 and 1 (got {cap:g})")
        self._x = require(find(self.round, seed))
        weights(self.round, self._x, aim)  # refuses an aim that does not exist
        self._known: dict[bytes, tuple[Tensor, Round] | None] = {}

    def degree(self, model: int) -> int:
        """Return how many models read a model."""
        return int((self.round.plan.edges.source == model).sum())

    def reached(self, shares: Array, sharpness: float | None = None) -> float:
        """Return the aim at the stable point; with a sharpness, the smooth form of the worst."""
        rest = self._rest(shares)
        if rest is None:
            return float("nan") if sharpness is None else -np.inf
        x, round_ = rest
        levels = alignment(round_, x)
        if sharpness is not None:
            known = levels[~levels.isnan()]
            return float(-torch.logsumexp(-sharpness * known, 0) / sharpness)
        weight = weights(round_, x, self.aim)
        return float(torch.where(weight != 0, levels * weight, 0.0).sum())

    def height(self, shares: Array) -> float:
        """Return the aim, −∞ where there is no stable point."""
        return float(np.nan_to_num(self.reached(shares), nan=-np.inf))

    def attracts(self, shares: Array) -> bool:
        """Tell whether the ecosystem comes back to where it rests."""
        rest = self._rest(shares)
        return rest is not None and abs(leading(Linearisation(rest[1], rest[0], rest[0]))) < 1 - NEUTRAL

    def gradient(self, shares: Array, sharpness: float | None = None) -> Array:
        """Return the gradient of the aim over the shares; zeros where there is no stable point."""
        rest = self._rest(shares)
        if rest is None:
            return np.zeros_like(shares)
        x, round_ = rest
        weight = weights(round_, x, self.aim)
        if sharpness is not None:
            levels = alignment(round_, x)
            weight = torch.softmax(torch.where(levels.isnan(), -torch.inf, -sharpness * levels), 0)
        linear = Linearisation(round_, x, x)
        return np.asarray(slope(linear, curation(round_.plan, self.shares.across)(linear), weight).numpy())

    def _rest(self, shares: Array) -> tuple[Tensor, Round] | None:
        key = shares.tobytes()
        if key not in self._known:
            round_ = Round.of(with_shares(self.round.plan, self.shares, shares))
            try:
                self._known[key] = settle(round_, self._x, 1e-11), round_
            except EcosystemError:
                self._known[key] = None
        return self._known[key]
