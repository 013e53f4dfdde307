"""What a page shows: a run out of a store, or the ecosystem of a tab."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from analysis.explorer.placing import Picture, picture
from analysis.explorer.record import Record, of_run, versus
from analysis.explorer.sessions import Session, Sessions
from analysis.explorer.words import number
from ecosystem.errors import EcosystemError
from ecosystem.scenario.sweeps import points, variant

if TYPE_CHECKING:
    from ecosystem.scenario.scenario import Scenario
    from ecosystem.store.results import Results
    from ecosystem.world.blueprint import Blueprint

Address = Mapping[str, Any]
"""What a page asks for: a run's id under `run` and another's under `versus`, or a tab's token under `token`."""

T = TypeVar("T")

_KEPT = 6


@dataclass(frozen=True)
class View:
    """What is shown.

    Attributes
    ----------
    record : Record
        The run; with a baseline, its models have the column `versus`.
    picture : Picture
        The network.
    drawn : str
        Names the picture: while it is the same, nothing has to be drawn anew.
    baseline : Record, optional
        What it is compared with.
    told : str
        What the baseline is, in words.
    """

    record: Record
    picture: Picture
    drawn: str
    baseline: Record | None = None
    told: str = ""


class Source(Protocol):
    """Where views come from."""

    def view(self, address: Address) -> View | None:
        """Return what an address shows, None where it is no longer there."""
        ...

    def plan(self, address: Address) -> Blueprint | None:
        """Return the settings of every model."""
        ...

    def scenario(self, address: Address) -> tuple[Scenario, int] | None:
        """Return the scenario without a sweep, and the seed."""
        ...


@dataclass(frozen=True)
class Choice:
    """A point of a sweep, or a seed, to choose."""

    value: int
    told: str


class Stored:
    """The finished runs of a store.

    Parameters
    ----------
    results : Results
        The store.

    Raises
    ------
    EcosystemError
        If no run is done.
    """

    def __init__(self, results: Results) -> None:
        self.results = results
        done = results.runs[results.runs["status"] == "done"]
        if done.empty:
            counts = results.runs["status"].value_counts().to_dict()
            told = ", ".join(f"{count} {status}" for status, count in counts.items())
            raise EcosystemError(f"{results.path}: no run is done yet ({told or 'none was asked for'})")
        places = zip(done["point"].tolist(), done["seed"].tolist(), done["run"].tolist(), strict=True)
        self._runs: dict[tuple[int, int], str] = {(point, seed): run for point, seed, run in places}
        self._where: dict[str, tuple[int, int]] = {}
        for place, run in self._runs.items():
            self._where.setdefault(run, place)
        self._records = _Kept(lambda run: of_run(results, run))
        self._pictures = _Kept(self._draw)
        self._plans = _Kept(self._build)

    @cached_property
    def points(self) -> tuple[Choice, ...]:
        """The points of the sweep that have a finished run."""
        swept = [name for name in self.results.runs if name not in _OWN]
        first = self.results.runs.drop_duplicates("point").set_index("point")
        wanted = sorted({point for point, _ in self._runs})
        return tuple(
            Choice(point, ", ".join(f"{key} = {first[key].loc[point]!s}" for key in swept) or "the only point")
            for point in wanted
        )

    @cached_property
    def seeds(self) -> tuple[Choice, ...]:
        """The seeds that have a finished run."""
        return tuple(Choice(seed, str(seed)) for seed in sorted({seed for _, seed in self._runs}))

    def address(self, point: int, seed: int, compared: int | None = None) -> dict[str, str | None]:
        """Return the address of a run, and of the one at another point with the same seed; of the nearest there is."""
        run = self._runs.get((point, seed)) or next(
            (run for (each, _), run in self._runs.items() if each == point), next(iter(self._runs.values()))
        )
        other = None if compared is None else self._runs.get((compared, seed))
        return {"run": run, "versus": None if other == run else other}

    def view(self, address: Address) -> View | None:
        """Return what an address shows, None where there is no such run."""
        run, other = address.get("run"), address.get("versus")
        if run not in self._where:
            return None
        record = self._records(run)
        if other not in self._where:
            return View(record, self._pictures(run), str(run))
        told = next(choice.told for choice in self.points if choice.value == self._where[str(other)][0])
        baseline = self._records(other)
        return View(versus(record, baseline), self._pictures(run), str(run), baseline, told)

    def plan(self, address: Address) -> Blueprint | None:
        """Return the settings of every model, None where there is no such run."""
        return self._plans(address["run"]) if address.get("run") in self._where else None

    def scenario(self, address: Address) -> tuple[Scenario, int] | None:
        """Return the scenario at the run's point, and its seed; None where there is no such run."""
        if address.get("run") not in self._where:
            return None
        point, seed = self._where[address["run"]]
        return variant(self.results.scenario, points(self.results.scenario)[point]), seed

    def warm(self) -> None:
        """Build the settings of the first run, so that the first model that is picked does not wait for torch."""
        with suppress(EcosystemError):
            self._plans(next(iter(self._where)))

    def _draw(self, run: str) -> Picture:
        record = self._records(run)
        return picture(len(record.names), record.network)

    def _build(self, run: str) -> Blueprint:
        from ecosystem.world.blueprint import blueprint

        point, seed = self._where[run]
        return blueprint(variant(self.results.scenario, points(self.results.scenario)[point]), seed)


_OWN = ("run", "point", "seed", "network", "status", "seconds", "error")


class Tabs:
    """The ecosystems of open tabs.

    Parameters
    ----------
    sessions : Sessions
        Where they are kept.
    names : mapping of str to str, optional
        What a reader calls settings that move.
    """

    def __init__(self, sessions: Sessions, names: Mapping[str, str] | None = None) -> None:
        self.sessions = sessions
        self._names = names or {}

    def view(self, address: Address) -> View | None:
        """Return what a tab shows now, None where it is forgotten."""
        session = self._session(address)
        if session is None:
            return None
        with session.lock:
            record, baseline = session.live.record, session.baseline
            if session.picture is None or not record.network.same(session.network):
                session.picture, session.network = picture(len(record.names), record.network), record.network
                session.drawn += 1
            drawn = f"{address['token']}.{session.drawn}"
            if baseline is None:
                return View(record, session.picture, drawn)
            now = session.live.settings
            moved = {key: value for key, value in baseline.settings.items() if now.get(key, value) != value}
            seed = None if baseline.seed == session.live.seed else baseline.seed
            words = told(moved, self._names, seed) or "of the same settings"
            return View(versus(record, baseline.record), session.picture, drawn, baseline.record, words)

    def plan(self, address: Address) -> Blueprint | None:
        """Return the settings of every model, None where the tab is forgotten."""
        session = self._session(address)
        return None if session is None else session.live.plan

    def scenario(self, address: Address) -> tuple[Scenario, int] | None:
        """Return the tab's scenario as it is now, and its seed; None where the tab is forgotten."""
        session = self._session(address)
        return None if session is None else (session.live.present(), session.live.seed)

    def _session(self, address: Address) -> Session | None:
        return self.sessions.find(str(address.get("token")))


def told(settings: Mapping[str, float], names: Mapping[str, str], seed: int | None = None) -> str:
    """Return settings in words.

    >>> told({"lam": 0.5, "learning.rate": 1.0}, {"learning.rate": "Learning rate"}, seed=0)
    'lam = 0.5, learning rate = 1, seed = 0'
    """
    words = [f"{_lower(names.get(key, key), key)} = {number(value)}" for key, value in settings.items()]
    return ", ".join([*words, *([f"seed = {seed}"] if seed is not None else [])])


def _lower(name: str, key: str) -> str:
    """Return a name within a sentence; a parameter's own name stays as it is written."""
    return name if name == key else name[0].lower() + name[1:]


class _Kept(Generic[T]):
    """The last few values of a function, each found once."""

    def __init__(self, find: Callable[[str], T]) -> None:
        self._find = find
        self._kept: OrderedDict[str, T] = OrderedDict()
        self._lock = RLock()

    def __call__(self, key: str) -> T:
        with self._lock:
            if key not in self._kept:
                self._kept[key] = self._find(key)
                if len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return self._kept[key]
