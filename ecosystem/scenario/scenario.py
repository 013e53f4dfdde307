"""The scenario: what a user wrote, checked, with every expression evaluated."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PrivateAttr, Strict, ValidationError

from ecosystem.errors import InputError, Problem
from ecosystem.plugins import files, registry
from ecosystem.plugins.files import Code
from ecosystem.plugins.registry import Scope
from ecosystem.scenario import events, sweeps
from ecosystem.scenario.checks import check
from ecosystem.scenario.document import Document
from ecosystem.scenario.events import Phase
from ecosystem.scenario.expressions import Literals, literals_in, resolve
from ecosystem.scenario.fields.common import Block, Distribution, Name, Parameter
from ecosystem.scenario.fields.events import Event
from ecosystem.scenario.fields.learning import Learning, Record, Rounds, Seeds
from ecosystem.scenario.fields.models import Curated, FromRun, ModelBlock
from ecosystem.scenario.fields.network import EdgesNetwork, FileNetwork, Network
from ecosystem.scenario.fields.outputs import Outputs
from ecosystem.scenario.fields.remedy import Remedy
from ecosystem.scenario.fields.rewards import Reward
from ecosystem.scenario.fields.sweep import Expect, Sweep
from ecosystem.scenario.fields.users import Users
from ecosystem.scenario.paths import change, parameter_names
from ecosystem.scenario.plain import in_json, plain
from ecosystem.scenario.point_table import with_rows
from ecosystem.scenario.problems import shown, translate
from ecosystem.scenario.shape import shape_of_block
from ecosystem.scenario.versions import VERSION, newer, renamed


class Scenario(Block):
    """An ecosystem of models, written down.

    The fields hold resolved values. What was written, expressions included, is kept beside them,
    so that `with_` can change a parameter and have everything follow.

    Raises
    ------
    InputError
        With everything that is wrong, if something is.

    Examples
    --------
    >>> scenario = Scenario(
    ...     name="one",
    ...     rounds=10,
    ...     parameters={"lam": 0.5},
    ...     outputs={"kind": "categorical", "size": 2},
    ...     models=[{"name": "m", "diet": {"real": "= 1 - lam", "raw": "= lam"}}],
    ... )
    >>> scenario.with_({"lam": 0.25}).models[0].diet.real
    0.75
    """

    version: Annotated[int, Field(ge=1)] = VERSION
    """Version of the scenario format that this is written in; a later one than the program reads is refused."""
    name: Name
    """Name of the scenario; also of the default output directory."""
    description: str = ""
    """What the scenario shows, for a reader."""
    source: str = ""
    """The paper or page it comes from."""
    rounds: Rounds
    """How many rounds to run."""
    seeds: Seeds = 1
    """How many seeds (0, 1, …), or a list of seeds."""
    mode: Literal["exact", "sampled"] = "exact"
    """`exact` is the population limit; `sampled` draws examples."""
    precision: Literal["float64", "float32"] = "float64"
    """Type of the numbers; `float32` takes half the memory and is exact to seven digits."""
    device: Literal["auto", "cpu", "cuda"] = "cpu"
    """Where the numbers are computed: on a GPU (`cuda`), on the CPU, or on a GPU where there is one (`auto`)."""
    plugins: Annotated[tuple[Name, ...], Strict(False), Field(examples=[["satisficing.py"]])] = ()
    """Python files, relative to the scenario, whose plug-ins it uses; they are run only with `--allow-code` (in
    Python: `allow_code=True`). Plug-ins of packages that are installed need no entry."""
    parameters: dict[str, Parameter] = Field(default_factory=dict)
    """Named numbers for use in expressions."""
    outputs: Outputs
    """What the models write."""
    real: Distribution | None = None
    """Real data that models share; uniform by default."""
    rewards: dict[str, Reward] = Field(default_factory=dict)
    """Named rewards: a number per output, or a row of them per context; a judge where outputs are really drawn."""
    models: Annotated[tuple[ModelBlock, ...], Strict(False), Field(min_length=1)]
    """The models."""
    curated: Curated | None = None
    """Who of the models is curated, when it is not said at each."""
    network: Network = EdgesNetwork()
    """Who learns from whom; nobody from anybody by default."""
    users: Users | None = None
    """Who asks, and answers back; nobody by default."""
    remedy: Remedy | None = None
    """What is done against bias; nothing by default."""
    learning: Learning = Learning()
    """How models learn."""
    events: Annotated[tuple[Event, ...], Strict(False)] = ()
    """What changes at a round."""
    record: Record = Record()
    """What is written down."""
    sweep: Sweep | None = None
    """Which settings vary."""
    expect: Annotated[tuple[Expect, ...], Strict(False)] = ()
    """What the results are expected to be."""

    _document: Document = PrivateAttr()
    _phases: tuple[Phase, ...] = PrivateAttr(())
    _literals: Literals | None = PrivateAttr(None)
    _scope: Scope = PrivateAttr(default_factory=Scope)

    def __init__(self, /, **data: Any) -> None:
        self._fill(Document(plain(data)))

    @classmethod
    def from_document(cls, document: Document) -> Self:
        """Return the scenario that a document holds.

        Raises
        ------
        InputError
            With everything that is wrong, each at its place in the file.
        """
        scenario = cls.__new__(cls)
        scenario._fill(document)
        return scenario

    @classmethod
    def of_phase(cls, document: Document) -> Self:
        """Return the scenario of a document without events or a sweep, which holds from an event on."""
        scenario = cls.__new__(cls)
        scenario._validate(document)
        return scenario

    def _fill(self, document: Document) -> None:
        """Make this the scenario of a document, or tell all that is wrong with it."""
        self._validate(document)
        self._phases = events.phases(self)
        if self.sweep is not None:
            sweeps.try_first(self)

    def _validate(self, document: Document) -> None:
        """Validate a document into this scenario, as it is at one time."""
        if not isinstance(document.data, Mapping):
            problem = Problem((), f"a scenario is a mapping (got {shown(document.data)})")
            raise InputError([document.located(problem)])
        later = newer(document.data)
        if later is not None:  # whatever else seems wrong may be right in that version
            raise InputError([document.located(later)])
        document, scope = _with_code(document)
        with registry.within(scope):
            self._check(document)
        self._scope = scope

    def _check(self, document: Document) -> None:
        """Validate a document whose plug-ins are known."""
        old = [document.located(problem, of_key=True) for problem in renamed(document.data)]
        document, unread = with_rows(document)
        resolved, failures = resolve(document.data, document.literals)
        problems = [*document.problems, *old, *unread, *map(document.located, failures)]
        try:
            self.__pydantic_validator__.validate_python(resolved, self_instance=self)
        except ValidationError as error:
            found = translate(error, resolved, document, shape_of_block(type(self)))
            problems += _unless_told(found, problems)
        problems += _unless_told(list(check(resolved, document)), problems)
        problems += _unless_told(list(sweeps.key_problems(type(self), document)), problems)
        if problems:
            raise InputError(_in_order(problems))
        self._document = document

    def with_(self, changes: Mapping[str, Any]) -> Self:
        """Return this scenario with some settings changed.

        Parameters
        ----------
        changes : mapping of str to value
            A key is a parameter's name, else a path such as ``learning.rate`` or
            ``models.p.diet.real``. A value may be an expression. Expressions elsewhere follow.

        Raises
        ------
        InputError
            If there is no such setting, the changed scenario is not valid, or it sweeps one of them.
        """
        there = self._changed(changes)
        sweeps.refuse_idle(there, changes)
        return there

    def _changed(self, changes: Mapping[str, Any], without: tuple[str, ...] = ()) -> Self:
        """Return this scenario with settings changed, and some of its fields left out."""
        if self._literals is None:
            self._literals = literals_in(self._document.data)
        data = {key: value for key, value in self._document.data.items() if key not in without}
        document = replace(self._document.with_data(data), literals=self._literals)
        return type(self).from_document(changed(document, changes))

    @property
    def model_names(self) -> tuple[str, ...]:
        """Names of all models, in order, each entry with a `count` spelled out."""
        return tuple(name for entry in self.models for name in entry.names)

    @property
    def seed_list(self) -> tuple[int, ...]:
        """The seeds, one by one."""
        return tuple(range(self.seeds)) if isinstance(self.seeds, int) else self.seeds

    @property
    def base(self) -> pathlib.Path:
        """Directory that file names in the scenario start from."""
        return self._document.base

    @property
    def scope(self) -> Scope:
        """What its plug-in files define, and which packages it uses."""
        return self._scope

    @property
    def document(self) -> Document:
        """What was written, and where."""
        return self._document

    @property
    def phases(self) -> tuple[Phase, ...]:
        """What the events lead to, in order: from which round on which settings hold."""
        return self._phases

    def settings(self) -> dict[str, Any]:
        """Return every setting, defaults filled in and expressions evaluated, as JSON can hold it.

        Infinity is the text ``inf``, as it may be in YAML; an event sets whole blocks, in which what follows
        from a parameter has its value. The result makes the same scenario again.
        """
        settings = in_json(self.model_dump(mode="json", by_alias=True))
        return settings | {"events": events.in_settings(settings, self._phases)}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Scenario):
            return NotImplemented
        return self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(json.dumps(self.settings(), sort_keys=True))

    def _identity(self) -> tuple[Any, ...]:
        reads = isinstance(self.network, FileNetwork) or any(isinstance(m.initial, FromRun) for m in self.models)
        return self.__dict__, self._phases, self.base if reads else None, self._document.codes

    def __reduce__(self) -> tuple[Any, ...]:
        # Built again from what was written: much smaller than the fields with every place in the file.
        document = self._document
        return _rebuilt, (type(self), document.data, document.base, document.allow_code, document.codes)


def changed(document: Document, changes: Mapping[str, Any]) -> Document:
    """Return a document with some settings changed; see `Scenario.with_`.

    Raises
    ------
    InputError
        If there is no such setting.
    """
    data, paths = document.data, []
    problems: list[Problem] = []
    # Parameters first, so that a path is never taken for one that is added meanwhile.
    for key in sorted(changes, key=lambda key: key not in parameter_names(document.data)):
        try:
            data, path = change(Scenario, data, key, plain(changes[key]))
            paths.append(path)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return document.with_data(data, tuple(paths))


def _rebuilt(cls: type[Scenario], data: Any, base: pathlib.Path, allow_code: bool, codes: tuple[Code, ...]) -> Scenario:
    return cls.from_document(Document(data, base=base, allow_code=allow_code, codes=codes))


def _with_code(document: Document) -> tuple[Document, Scope]:
    """Return a document with the files that it names under `plugins`, read and run, and what they define.

    Raises
    ------
    InputError
        They may not be run, or do not work.
    """
    written = document.data.get("plugins")
    if not written or not isinstance(written, (list, tuple)) or not all(isinstance(name, str) for name in written):
        return document, registry.inherited()  # nothing, or what is no list of files, which is told with all else
    try:
        if not document.allow_code:
            raise InputError(files.refusals(written))
        if [code.file for code in document.codes] != list(written):
            document = replace(document, codes=files.read(written, document.base))
        return document, files.scope_of(document.codes)
    except InputError as error:
        raise InputError(_in_order([*document.problems, *map(document.located, error.problems)])) from None


def _unless_told(found: list[Problem], told: list[Problem]) -> list[Problem]:
    """Return the problems that are not about a value of which a problem is told already."""
    paths = {problem.path for problem in told if problem.path}
    return [problem for problem in found if problem.path not in paths]


def _in_order(problems: list[Problem]) -> list[Problem]:
    """Sort problems as their places stand in the file, those without a place last."""

    def key(problem: Problem) -> tuple[bool, int, int]:
        place = problem.place
        return (False, place.line, place.column) if place else (True, 0, 0)

    return sorted(problems, key=key)
