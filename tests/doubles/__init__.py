"""Stand-ins: a small scenario, and an engine that answers at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from ecosystem import Scenario
from ecosystem.plan.runs import Plan, Run, plan
from ecosystem.runner.attempt import OnRows, Simulate
from ecosystem.runner.execute import Execution, execute
from ecosystem.runner.progress import OnProgress
from ecosystem.store.store import open_store

SMALL: dict[str, Any] = {
    "name": "small",
    "rounds": 2,
    "parameters": {"lam": 0.5},
    "outputs": {"kind": "categorical", "size": 2},
    "rewards": {"first": [1, 0]},
    "models": [
        {
            "name": "p",
            "reward": "first",
            "diet": {"real": "= 1 - lam", "curated": "= lam"},
            "curation": {"method": "luce", "candidates": 2},
        },
        {"name": "q", "diet": {"real": 0.5, "neighbours_raw": 0.5}},
    ],
    "network": {"edges": [{"from": "p", "to": "q"}]},
}

CHAIN: dict[str, Any] = {
    "name": "chain",
    "rounds": 3,
    "outputs": {"kind": "categorical", "size": 2},
    "rewards": {"first": [1, 0]},
    "models": [
        {"name": "a", "reward": "first", "diet": {"curated": 1}, "curation": {"candidates": "inf"}},
        {"name": "b", "reward": "first", "diet": {"neighbours_raw": 1}},
        {"name": "c", "reward": "first", "diet": {"neighbours_raw": 1}},
        {"name": "d", "reward": "first", "diet": {"raw": 1}},
    ],
    "network": {"edges": [{"from": "a", "to": "b"}, {"from": "b", "to": "c"}]},
}
"""Three models of which each learns from the one before, the first curated, and one that is by itself."""


def small(**changes: Any) -> Scenario:
    """A scenario of two models, with some of its blocks replaced."""
    return Scenario(**{**SMALL, **changes})


def carried_out(
    asked: Plan | Scenario,
    path: Path,
    engine: Simulate | None = None,
    progress: OnProgress | None = None,
    **execution: Any,
) -> int:
    """Execute what a directory lacks of a plan, with a stand-in engine by default; return how many runs that was."""
    planned = asked if isinstance(asked, Plan) else plan(asked)
    with open_store(planned, path) as store:
        return execute(planned, store, progress, engine or Engine(), Execution(**execution))


@dataclass
class Outcome:
    """What the stand-in engine returns."""

    tables: dict[str, pa.Table] = field(default_factory=dict)
    networks: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


@dataclass
class Engine:
    """An engine whose alignment is the run's seed plus a tenth of the round.

    `failing` seeds are reported as failed, `raising` ones end the whole call.
    """

    failing: Collection[int] = ()
    raising: Collection[int] = ()
    network: Callable[[Run], str] = lambda run: "net"
    calls: list[list[str]] = field(default_factory=list)

    @property
    def executed(self) -> list[str]:
        return [id_ for call in self.calls for id_ in call]

    def __call__(
        self,
        runs: Sequence[Run],
        on_round: Callable[[int, int], None] | None = None,
        on_rows: OnRows | None = None,
        checkpoints: object = None,
    ) -> Outcome:
        self.calls.append([run.id for run in runs])
        outcome = Outcome()
        rounds: list[dict[str, Any]] = []
        models: list[dict[str, Any]] = []
        edges: list[dict[str, Any]] = []
        for run in runs:
            if run.seed in self.raising:
                raise RuntimeError(f"seed {run.seed} is cursed")
            if run.seed in self.failing:
                outcome.errors[run.id] = f"seed {run.seed} went wrong"
                continue
            outcome.seconds[run.id] = 0.25
            outcome.networks[run.id] = self.network(run)
            edge = {"network": self.network(run), "source": "p", "target": "q", "weight": 1.0}
            edges += [edge] if edge not in edges else []
            for number in range(run.scenario.rounds + 1):
                value = run.seed + number / 10
                rounds.append({"run": run.id, "round": number, "alignment": value})
                models += [
                    {"run": run.id, "round": number, "model": name, "alignment": value, "entropy": 1.0}
                    for name in run.scenario.model_names
                ]
        for number in range(3):
            if on_round is not None:
                on_round(number, 2)
        for name, rows in {"rounds": rounds, "models": models, "network": edges}.items():
            if rows:
                outcome.tables[name] = pa.Table.from_pylist(rows)
        return outcome
