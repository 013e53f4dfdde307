"""Influence: what a lever does, in the end or by a given round, to every model's alignment.

At a stable point x* = F(x*; λ) implicit differentiation gives (I − ∂F/∂x) v = ∂F/∂λ, and
I[j, i] = ∂J_j/∂x · v_i: the matrix of self-influence (its diagonal) and cross-influence of Wei, Zhang &
Zhang (2026, arXiv 2605.29267). One transposed solve gives the gradient of a total over all levers.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ecosystem.errors import EcosystemError
from ecosystem.influence import society_effects
from ecosystem.influence.horizon import horizon
from ecosystem.influence.implicit import Aim, at_rest, effects, slope, weights
from ecosystem.influence.levers import lever as lever_of
from ecosystem.influence.linearise import Linearisation
from ecosystem.influence.rounds import Round
from ecosystem.influence.society import Society, round_of
from ecosystem.influence.stable import StablePoint, find, require
from ecosystem.scenario.scenario import Scenario


def influence(scenario: Scenario, lever: str = "curation", seed: int = 0, round: int | None = None) -> pd.DataFrame:
    """Return what each lever does to each model's alignment.

    Parameters
    ----------
    scenario : Scenario
        An exact scenario without a sweep.
    lever : str
        `curation`, an entry of the diet, `temperature`, `candidates`, `edge:from->to`, `edges` or
        `parameter:NAME`; see `ecosystem.influence.levers`.
    seed : int
        The run's seed.
    round : int, optional
        The round whose alignment is meant; the stable point by default.

    Returns
    -------
    DataFrame
        dJ_j/dλ_i: affected models by levers (named by the model whose lever it is). NaN for a model without a
        reward.

    Raises
    ------
    EcosystemError
        If the scenario is sampled, has no stable point that attracts, or no such lever, or if `round` is negative.

    Examples
    --------
    >>> from ecosystem import Scenario
    >>> scenario = Scenario(
    ...     name="one",
    ...     rounds=1,
    ...     outputs={"kind": "categorical", "size": 2},
    ...     rewards={"first": [1, 0]},
    ...     models=[
    ...         {
    ...             "name": "p",
    ...             "reward": "first",
    ...             "diet": {"real": 0.5, "curated": 0.5},
    ...             "curation": {"method": "luce", "candidates": 2},
    ...         }
    ...     ],
    ... )
    >>> float(influence(scenario).loc["p", "p"])
    0.399209
    """
    if round is not None and round < 0:
        raise EcosystemError(f"round: must be at least 0 (got {round})")
    round_ = round_of(scenario, seed)
    pull = lever_of(lever, scenario, seed, round_)  # refuses first what has no derivative
    if round is not None and isinstance(round_, Society):
        return _frame(round_, *society_effects.horizon(round_, pull, round))
    if round is not None and isinstance(round_, Round):
        return _frame(round_, *horizon(round_, pull, round))
    return influence_at(find(round_, seed), scenario, lever, seed)


def influence_at(point: StablePoint, scenario: Scenario, lever: str = "curation", seed: int = 0) -> pd.DataFrame:
    """Return influence at a scenario's stable point that was found before; see `influence`."""
    round_ = round_of(scenario, seed)
    pull = lever_of(lever, scenario, seed, round_)
    x = require(point)
    if isinstance(round_, Society):
        return _frame(round_, *society_effects.effects(round_, x, pull))
    linear = Linearisation(round_, x, x)
    return _frame(round_, *effects(linear, pull(linear)))


def table(scenario: Scenario, lever: str = "curation", seed: int = 0, round: int | None = None) -> pd.DataFrame:
    """Return influence as rows: affected, lever, influence."""
    return as_rows(influence(scenario, lever, seed, round))


def as_rows(matrix: pd.DataFrame) -> pd.DataFrame:
    """Return a matrix of influence as rows: affected, lever, influence; models may be called like these columns."""
    models, levers = matrix.shape
    return pd.DataFrame(
        {
            "affected": np.tile(matrix.index, levers),
            "lever": np.repeat(matrix.columns, models),
            "influence": matrix.to_numpy(dtype=float).ravel(order="F"),
        }
    )


def gradient(scenario: Scenario, aim: Aim = "mean", lever: str = "curation", seed: int = 0) -> pd.Series[float]:
    """Return the gradient of a total of alignments at the stable point, over all levers, by one solve.

    Parameters
    ----------
    scenario, lever, seed
        As for `influence`.
    aim : str or mapping
        `mean` over models with a reward, `worst` (a subgradient: the worst model's), or weights by model.

    Returns
    -------
    Series
        By lever.
    """
    round_ = round_of(scenario, seed)
    pull = lever_of(lever, scenario, seed, round_)
    if isinstance(round_, Society):
        x = require(find(round_, seed))
        labels, matrix = society_effects.effects(round_, x, pull)
        weight = weights(round_, round_.parts(x).p, aim)
        total = torch.where(weight[:, None] != 0, weight[:, None] * matrix, 0.0).sum(0)
        return pd.Series(total.numpy(), index=pd.Index(labels, name="lever"), name="gradient")
    linear = at_rest(round_, seed)
    push = pull(linear)
    slopes = slope(linear, push, weights(round_, linear.before, aim))
    return pd.Series(slopes.numpy(), index=pd.Index(push.labels, name="lever"), name="gradient")


def _frame(round_: Round | Society, labels: tuple[str, ...], values: Tensor) -> pd.DataFrame:
    index, columns = pd.Index(round_.plan.names, name="affected"), pd.Index(labels, name="lever")
    return pd.DataFrame(values.numpy(), index=index, columns=columns)
