"""What a run is known by: a hash of everything that affects its result, and of nothing else."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

from ecosystem.devices import kind
from ecosystem.errors import EcosystemError, InputError, fail
from ecosystem.plan.named import contents, image_files, judge_files, named_files
from ecosystem.scenario.fields.images import ImageOutputs
from ecosystem.scenario.fields.models import FromRun
from ecosystem.scenario.fields.network import FileNetwork
from ecosystem.scenario.fields.outputs import TextOutputs
from ecosystem.scenario.scenario import Scenario

RESULTS_VERSION = 4
"""Raised whenever the program gives other numbers for the same settings."""

WITHOUT_EFFECT = frozenset(
    {"version", "name", "description", "source", "parameters", "seeds", "sweep", "expect", "record", "plugins"}
)
"""Entries of a scenario that change no result; parameters act through the settings that use them,
plug-in files by their contents."""

_BESIDE = frozenset({"precision", "device"})
"""Entries that have a place of their own in the identity."""


@dataclass(frozen=True)
class Identity:
    """What decides the result of a scenario, but for the seed.

    Attributes
    ----------
    settings : mapping
        The resolved settings that have an effect.
    files : mapping of str to str
        SHA-256 of the contents of each file that the settings name; of each package with plug-ins its version.
    precision, device : str
        Type of the numbers, and kind of device that computes them.
    version : int
        `RESULTS_VERSION` of the program.
    """

    settings: Mapping[str, Any]
    files: Mapping[str, str]
    precision: str = "float64"
    device: str = "cpu"
    version: int = RESULTS_VERSION

    @cached_property
    def digest(self) -> str:
        """Hash of it all."""
        # Settings are JSON already, and a plan has thousands: they are not looked through again.
        return _hash(
            _written(
                {
                    "settings": self.settings,
                    "files": sorted(self.files.values()),
                    "precision": self.precision,
                    "device": self.device,
                    "version": self.version,
                }
            )
        )

    def run_id(self, seed: int) -> str:
        """Return the id of the run with this seed: 24 hexadecimal digits."""
        return _hash(f'["{self.digest}",{seed}]')  # canonical JSON, written by hand: a plan may have a million


def identity(scenario: Scenario) -> Identity:
    """Return what decides the result of a scenario.

    Raises
    ------
    InputError
        A file or earlier run that the scenario names cannot be read.
    """
    settings = {key: value for key, value in scenario.settings().items() if key not in WITHOUT_EFFECT | _BESIDE}
    files: dict[str, str] = {}
    for each in (scenario, *(phase.scenario for phase in scenario.phases)):
        if isinstance(each.network, FileNetwork):
            files |= contents({each.network.file: each.base / each.network.file}, ("network", "file"))
        if isinstance(each.outputs, TextOutputs):
            files |= contents(
                named_files(each.outputs, each.learning.language, each.base), ("outputs", "corpus", "path")
            )
        if isinstance(each.outputs, ImageOutputs):
            files |= contents(image_files(each.outputs, each.base), ("outputs", "data", "path"))
        judges = [*each.rewards.values(), *each.outputs.scores.values()]
        files |= contents(judge_files(judges, each.base), ("rewards",))
    for index, model in enumerate(scenario.models):
        if isinstance(model.initial, FromRun):
            files[model.initial.source] = _states(scenario.base / model.initial.source, index)
    files |= {code.file: code.digest for code in scenario.document.codes}
    for each in (scenario, *(phase.scenario for phase in scenario.phases)):
        files |= {f"package {name}": _hash(f"{name} {version}") for name, version in each.scope.used.items()}
    return Identity(settings, files, scenario.precision, kind(scenario.device))


def run_id(scenario: Scenario, seed: int) -> str:
    """Return the id of a run of a scenario without a sweep: 24 hexadecimal digits.

    Names, texts, recording, parameters (their values are already in the settings that use them)
    and the sweep's form have no part in it.
    """
    return identity(scenario).run_id(seed)


def recording(scenario: Scenario) -> str:
    """Return what a scenario records, in canonical JSON."""
    return canonical(scenario.settings().get("record"))


def covers(recorded: str, asked: str) -> bool:
    """Tell whether what was recorded holds all that is asked for: more tables or more rounds do no harm.

    Examples
    --------
    >>> covers('{"every":1,"states":true}', '{"every":5,"states":false}')
    True
    >>> covers('{"every":2}', '{"every":5}')
    False
    """
    there, wanted = json.loads(recorded), json.loads(asked)
    if not there.keys() <= wanted.keys():
        return False
    return all(_covers(key, there[key], value) if key in there else not value for key, value in wanted.items())


def _covers(key: str, there: Any, wanted: Any) -> bool:
    if key == "every":
        return bool(wanted % there == 0)
    if key == "samples":
        return bool(there >= wanted)
    return bool(there == wanted) or (there is True and wanted is False)


def every(recorded: str) -> int:
    """Return every how many rounds was recorded."""
    return int(json.loads(recorded)["every"])


def digest(value: Any) -> str:
    """Hash a JSON-able value: 24 hexadecimal digits, whatever the order of its keys.

    >>> digest({"a": 1, "b": [2.0]}) == digest({"b": [2.0], "a": 1})
    True
    """
    return _hash(canonical(value))


def canonical(value: Any) -> str:
    """Write a JSON-able value in the one way that equal values share; infinities become text.

    >>> canonical({"b": float("inf"), "a": (1, None)})
    '{"a":[1,null],"b":"inf"}'
    """
    return _written(plain(value))


def plain(value: Any) -> Any:
    """Return a value with lists for tuples, and texts for what strict JSON lacks."""
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _written(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _hash(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def _states(path: Path, model: int) -> str:
    from ecosystem.store.earlier import earlier  # the store knows plans

    try:
        return earlier(path).digest
    except InputError:
        raise
    except EcosystemError as error:
        raise fail(str(error), ("models", model, "initial", "from")) from error
