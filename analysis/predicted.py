"""Beside the exact prediction: what probabilities do under the same settings, against what language models did.

A language model's answers are told apart by what judges say of them, such as (plain or hedged) × (right or wrong).
Probabilities of these few kinds of answer, which begin where the model began, follow the round of `categorical`
outputs to the letter: the same diet, sharing, corpus, users, feedback and remedy, without chance, and with a rate η
that says how far a round moves from where it starts to what is read. A trained model has steps of an optimiser in
place of η, draws finitely many examples, and generalises; the difference is what these do.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.reading import Round, swept_columns, values
from analysis.statistics import Method, grouped, mean_interval
from analysis.switches import sweep_without
from ecosystem.errors import EcosystemError, did_you_mean, shorten
from ecosystem.outputs.text.real import real_scores
from ecosystem.scenario.fields.judges import JudgeBlock
from ecosystem.scenario.fields.text import TextOutputs
from ecosystem.scenario.scenario import Scenario
from ecosystem.world.groups import shares_of

if TYPE_CHECKING:
    from ecosystem.store.results import Results

Array = NDArray[np.float64]

_TRAINED = ("learning.language", "learning.examples", "learning.pool", "learning.prompts", "learning.rate", "outputs")
"""What probabilities have no use for: in a sweep it is left out."""

_BIASES = {"lean": "preference_bias", "quality": "disparate_bias"}


def prediction(
    results: Results,
    by: str | Sequence[str] | None = None,
    *,
    rate: float | None = None,
    round: Round | None = None,
    method: Method = "t",
    level: float = 0.95,
) -> pd.DataFrame:
    """Return what language models did beside what exact probabilities do, with intervals over seeds.

    Every seed is predicted from where its own model began: the shares of the kinds of its answers in round 0, scores
    taken for independent of one another there. Real data have the shares of the corpus.

    Parameters
    ----------
    results : Results
        A run with outputs of kind `text`, one model, users, and scores that are 0 or 1 for every answer.
    by : str or sequence of str, optional
        The swept columns that are told apart; all by default, over others the mean is taken.
    rate : float, optional
        η in (0, 1]. By default one for the whole sweep, fitted by least squares to what groups were served after the
        first round (which is linear in η); later rounds are then predicted, not fitted.
    round : int, "first" or "last", optional
        The round that is meant; every recorded one by default.
    method, level
        As for `analysis.mean_interval`.

    Returns
    -------
    DataFrame
        One row per swept values, round and quantity: swept columns, `round` (unless it is `first` or `last`),
        `quantity`, `group` (missing for a measure of bias), `n`, `measured` with `low` and `high`, `predicted` (the
        mean over seeds), `difference` (measured − predicted, seed by seed) with `difference_low` and
        `difference_high`, `rate`.

    Raises
    ------
    EcosystemError
        There is nothing to predict by, or the rate is none.
    """
    counterpart = _Counterpart(results)
    rate = counterpart.fitted() if rate is None else rate
    if not 0 < rate <= 1:
        raise EcosystemError(f"rate is how far a round moves, above 0 and at most 1 (got {rate})")
    joined = counterpart.joined(rate, counterpart.rounds, round)
    told = counterpart.swept if by is None else [by] if isinstance(by, str) else list(by)
    for name in told:
        if name not in counterpart.swept:
            raise EcosystemError(f"{shorten(name)} is not swept{did_you_mean(name, counterpart.swept)}")
    keys = [*told, *([] if isinstance(round, str) else ["round"]), "quantity", "group"]
    found: list[dict[str, Any]] = []
    for key, rows in grouped(joined, keys):
        seeds = rows.groupby("seed")[["measured", "predicted"]].mean()
        measured = mean_interval(seeds["measured"], method, level)
        difference = mean_interval(seeds["measured"] - seeds["predicted"], method, level)
        found.append(
            dict(zip(keys, key, strict=True))
            | {"n": measured.n, "measured": measured.mean, "low": measured.low, "high": measured.high}
            | {"predicted": seeds["predicted"].mean(), "difference": difference.mean}
            | {"difference_low": difference.low, "difference_high": difference.high, "rate": rate}
        )
    return pd.DataFrame(found).astype({name: joined[name].dtype for name in told})


class _Counterpart:
    """Probabilities under the settings of a run of language models, seed by seed.

    Raises
    ------
    EcosystemError
        The run has none.
    """

    def __init__(self, results: Results) -> None:
        self._results, self.scenario = results, results.scenario
        scenario = self.scenario
        if not isinstance(scenario.outputs, TextOutputs) or scenario.users is None:
            raise EcosystemError("a prediction is of language models (outputs of kind text) that users ask")
        if len(scenario.model_names) != 1 or scenario.events or not isinstance(scenario.rounds, int):
            raise EcosystemError("a prediction is of one model, over a number of rounds, without events")
        self.rounds, self.swept = scenario.rounds, swept_columns(results)
        self._runs: dict[tuple[int, float, int], Results] = {}
        self._scores = list(scenario.outputs.scores)
        real = real_scores(scenario.outputs, scenario.base)
        if not self._scores or any(not np.isin(each, (0.0, 1.0)).all() for each in real):
            raise EcosystemError("a prediction needs scores that are 0 or 1 for every answer, such as exact or pattern")
        self._kinds: Array = np.array(list(itertools.product((1.0, 0.0), repeat=len(self._scores)))).T
        self._real = [[float((each == kind).all(1).mean()) for kind in self._kinds.T] for each in real]
        contexts = range(scenario.outputs.contexts)
        self._asks: Array = np.array([shares_of(group.contexts, contexts) for group in scenario.users.groups])
        if np.linalg.matrix_rank(self._asks) < scenario.outputs.contexts:
            raise EcosystemError("a prediction needs as many groups as contexts, that ask in different shares")

    def fitted(self) -> float:
        """Return the rate that fits the first round best, all settings together."""
        rows = self.joined(1.0, 1, 1)
        start = self.joined(1.0, 1, 0)["measured"].to_numpy()
        own = rows["group"].notna().to_numpy()  # measures of bias are made of these
        moved, due = ((rows[name].to_numpy() - start)[own] for name in ("measured", "predicted"))
        whole = float((due * due).sum())
        return float(np.clip((moved * due).sum() / whole, 0.01, 1.0)) if whole > 0 else 1.0

    def joined(self, rate: float, rounds: int, round: Round | None) -> pd.DataFrame:
        """Return measured beside predicted values: swept columns, `seed`, `round`, `quantity`, `group`."""
        measured = self._long(self._results, round)
        found = []
        for seed in measured["seed"].drop_duplicates():
            predicted = self._long(self._run(int(seed), rate, rounds), round)
            on = [*(name for name in self.swept if name in predicted.columns), "round", "quantity", "group"]
            here = predicted[[*on, "value"]].rename(columns={"value": "predicted"})
            found.append(measured[measured["seed"] == seed].merge(here.drop_duplicates(on), on=on, how="left"))
        return pd.concat(found, ignore_index=True).rename(columns={"value": "measured"})

    def _long(self, results: Results, round: Round | None) -> pd.DataFrame:
        """Return one row a run, round and quantity."""
        biases = [_BIASES[name] for name in self._scores if name in _BIASES]
        tables = [
            values(results, "rounds", biases, round=round).assign(group=None),
            values(results, "groups", self._scores, round=round, keys=["group"]).astype({"group": object}),
        ]
        swept = [name for name in self.swept if name in tables[0].columns]
        shape = partial(pd.melt, id_vars=["seed", *swept, "round", "group"], var_name="quantity")
        return pd.concat(
            [shape(table, value_vars=names) for table, names in zip(tables, (biases, self._scores), strict=True)],
            ignore_index=True,
        )

    def _run(self, seed: int, rate: float, rounds: int) -> Results:
        from ecosystem.runner.run import run

        key = (seed, rate, rounds)
        if key not in self._runs:
            self._runs[key] = run(self._exact(seed, rate, rounds), seeds=[0], workers=0)
        return self._runs[key]

    def _exact(self, seed: int, rate: float, rounds: int) -> Scenario:
        """Return the scenario with probabilities in place of language models."""
        scenario = self.scenario
        data = {key: value for key, value in scenario.document.data.items() if key not in ("expect", "device")}
        learning = {name: value for name, value in dict(data.get("learning") or {}).items() if name in _SHARED}
        scores = dict(zip(self._scores, self._kinds.tolist(), strict=True))
        model = {key: value for key, value in data["models"][0].items() if key not in ("real", "initial")}
        data |= {
            "mode": "exact",
            "rounds": rounds,
            "outputs": {
                "kind": "categorical",
                "size": len(self._kinds.T),
                "contexts": scenario.outputs.contexts,
                "scores": scores,
            },
            "real": self._real,
            "rewards": {name: scores[self._score_of(reward)] for name, reward in scenario.rewards.items()},
            "models": [model | {"initial": self._start(seed)}],
            "learning": learning | {"rate": rate},
            "record": {},
        }
        if scenario.sweep is not None:
            data["sweep"] = sweep_without(scenario, _TRAINED)
        return Scenario.from_document(scenario.document.with_data(data))

    def _score_of(self, reward: Any) -> str:
        for name, score in self.scenario.outputs.scores.items():
            if isinstance(reward, JudgeBlock) and reward == score:
                return name
        raise EcosystemError("a prediction needs rewards that are scores, for kinds of answers are told by scores")

    def _start(self, seed: int) -> list[list[float]]:
        """Return the shares of each kind of answer before the first round, context by context."""
        rows = values(self._results, "groups", self._scores, round="first", keys=["group"])
        rows = rows[rows["seed"] == seed].astype({"group": str}).groupby("group")[self._scores].mean()
        assert self.scenario.users is not None
        served = rows.loc[[group.name for group in self.scenario.users.groups]].to_numpy()
        means = np.linalg.lstsq(self._asks, served, rcond=None)[0].clip(0, 1)  # [contexts, scores]
        chance = np.where(self._kinds[None] == 1, means[:, :, None], 1 - means[:, :, None]).prod(1)
        return [list(map(float, row / row.sum())) for row in chance]


_SHARED = ("regime", "sharing", "corpus")
"""Settings of learning that probabilities have too."""
