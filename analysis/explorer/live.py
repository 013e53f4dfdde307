"""An ecosystem that runs while it is looked at, and whose settings change on the way."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import yaml

from analysis.explorer.record import Record, record
from ecosystem.errors import EcosystemError

if TYPE_CHECKING:
    from ecosystem.scenario.scenario import Scenario
    from ecosystem.world.blueprint import Blueprint

MOST_ROUNDS = 5000
_MOST_NUMBERS = 4_000_000
"""So many numbers of models are kept at most: rounds times models."""


class Live:
    """One ecosystem under settings that change.

    What is done to it amounts to a scenario at any time (`written`): settings that hold from the start, and
    events for those that changed on the way. Run again, that scenario gives the same numbers.

    Parameters
    ----------
    scenario : Scenario
        Without a sweep.
    seed : int
        The run's seed.

    Attributes
    ----------
    target : int
        The round that is to be reached.
    """

    def __init__(self, scenario: Scenario, seed: int = 0) -> None:
        self._base = scenario
        self._at_first: dict[str, float] = {}
        self._changes: list[tuple[int, dict[str, float]]] = []
        self._most = max(min(MOST_ROUNDS, _MOST_NUMBERS // len(scenario.model_names)), 1)
        self._seed = seed
        self.target = 0
        self._begin(self._scenario({}, []), seed)

    def _begin(self, scenario: Scenario, seed: int) -> None:
        from ecosystem.world.ecosystem import Ecosystem
        from ecosystem.world.lifetimes import network_table
        from ecosystem.world.recording import Recorder

        model = Ecosystem(scenario, seed)
        self.scenario, self._seed, self._model, self._recorder = scenario, seed, model, Recorder(model, ["live"])
        self._edges = network_table(model.blueprint)[1].to_pandas()
        self._plan = model.blueprint
        self._recorder.write([0])
        self._record: Record | None = None

    @property
    def round(self) -> int:
        """How many rounds have been run."""
        return self._model.round

    @property
    def most(self) -> int:
        """The most rounds that are kept."""
        return self._most

    @property
    def seed(self) -> int:
        """The run's seed."""
        return self._seed

    @property
    def plan(self) -> Blueprint:
        """The settings of every model, as at the start; its `later` holds what became of them."""
        return self._plan

    @property
    def settings(self) -> dict[str, float]:
        """Present values of what was moved."""
        now = dict(self._at_first)
        for _, change in self._changes:
            now.update(change)
        return now

    def restart(self, settings: Mapping[str, float], seed: int | None = None) -> None:
        """Begin again at round 0 under other settings, to reach the same round as before.

        Raises
        ------
        EcosystemError
            If the scenario is not valid so; nothing has changed then.
        """
        self._begin(self._scenario(settings, []), self._seed if seed is None else seed)
        self._at_first, self._changes = dict(settings), []

    def change(self, settings: Mapping[str, float]) -> None:
        """Let settings be other ones from this round on; what has happened stays.

        Raises
        ------
        EcosystemError
            If an event cannot change them so; nothing has changed then.
        """
        reached, now = self.round, self.settings
        moved = {key: value for key, value in settings.items() if now.get(key) != value}
        if not moved:
            return
        changes = [*self._changes]
        if changes and changes[-1][0] == reached:
            moved = {**changes.pop()[1], **moved}
        changes.append((reached, moved))
        # The same rounds again, which give the same numbers, but for the event that now follows them.
        self._begin(self._scenario(self._at_first, changes), self._seed)
        self._changes = changes
        self._run(reached)

    def advance(self, seconds: float) -> bool:
        """Run towards the target for some time, one round at least; return whether it is reached.

        Raises
        ------
        EcosystemError
            If numbers stop being finite; the target is then the last good round.
        """
        self.target = min(self.target, self._most)
        until = time.perf_counter() + seconds
        while self.round < self.target:
            self._run(self.round + 1)
            if time.perf_counter() > until:
                break
        return self.round >= self.target

    def _run(self, round_: int) -> None:
        while self.round < round_:
            before = self._model.state, self._model.crowd
            self._model.step()
            if not bool(self._model.now.finite[0]):
                self._model.state, self._model.crowd = before
                self.target = self.round
                raise EcosystemError(f"Numbers grow beyond all bounds after round {self.round}; it stops there.")
            self._recorder.write([0])
            self._record = None

    @property
    def record(self) -> Record:
        """All rounds so far."""
        if self._record is None:
            tables = {name: table.to_pandas() for name, table in self._recorder.tables().items()}
            self._record = record(tables["models"], tables["rounds"], tables.get("groups"), self._edges)
        return self._record

    def present(self) -> Scenario:
        """Return the scenario as if its present settings had held from the start."""
        return self._base.with_(self.settings)

    def written(self) -> str:
        """Return what was done as the YAML of a scenario, long enough for all that happens in it."""
        events = self._events(self._changes)
        rounds = max([self.round, 1, *(int(event["round"]) + 1 for event in events)])
        told = {"rounds": rounds, "seeds": [self._seed], **({"events": events} if events else {})}
        data = self._base.with_({**self._at_first, **told}).document.data
        return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)

    def _events(self, changes: list[tuple[int, dict[str, float]]]) -> list[Any]:
        own = self._base.document.data.get("events") or []
        return [*own, *({"round": round_, "set": change} for round_, change in changes)]

    def _scenario(self, settings: Mapping[str, float], changes: list[tuple[int, dict[str, float]]]) -> Scenario:
        live = {"rounds": self._most + 1, "record": {"every": 1}}
        return self._base.with_({**settings, **live, "events": self._events(changes)})
