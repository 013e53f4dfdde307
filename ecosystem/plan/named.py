"""The files that a scenario's data, models and judges come from: what is in them decides a run's result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

from ecosystem.errors import Path as ErrorPath
from ecosystem.errors import fail, shorten
from ecosystem.scenario.fields.image_judges import FunctionJudge
from ecosystem.scenario.fields.images import Array, Folder, ImageOutputs
from ecosystem.scenario.fields.language import Language
from ecosystem.scenario.fields.text import TextFile, TextOutputs
from ecosystem.scenario.fields.text_judges import EmbeddingJudge, RewardModelJudge


def judge_files(judges: Iterable[object], base: Path) -> dict[str, Path]:
    """Return the files of functions and the folders of models that judge, by their name; a name on a hub is none."""
    found: dict[str, Path] = {}
    for judge in judges:
        if isinstance(judge, (EmbeddingJudge, RewardModelJudge)) and judge.model and (base / judge.model).is_dir():
            found[judge.model] = base / judge.model
        if isinstance(judge, FunctionJudge):
            module = base / f"{judge.function.partition(':')[0].replace('.', '/')}.py"
            if module.is_file():  # else it is in an installed package
                found[judge.function] = module
    return found


def named_files(outputs: TextOutputs, language: Language | None, base: Path) -> dict[str, Path]:
    """Return the files and folders that models are made from, by their name; a name on a hub is none."""
    found: dict[str, Path] = {}
    if isinstance(outputs.corpus, TextFile):
        found[outputs.corpus.path] = base / outputs.corpus.path
    for named in () if language is None else (language.model, language.config):
        if named is not None and (base / named).is_dir():
            found[named] = base / named
    return found


def image_files(outputs: ImageOutputs, base: Path) -> dict[str, Path]:
    """Return the file or folder that real images are read from, by its name; digits come with a package."""
    data = outputs.data
    return {data.path: base / data.path} if isinstance(data, (Array, Folder)) else {}


def contents(files: Mapping[str, Path], field: ErrorPath) -> dict[str, str]:
    """Return the SHA-256 of what is in each file or folder, which stand in a field of the scenario.

    Raises
    ------
    InputError
        One cannot be read.
    """
    return {name: _hashed(path, field) for name, path in files.items()}


def _hashed(path: Path, field: ErrorPath) -> str:
    found = sha256()
    try:
        files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
        for file in files:
            found.update(str(file.relative_to(path)).encode() if path.is_dir() else b"")
            with file.open("rb") as stream:
                while block := stream.read(1 << 20):
                    found.update(block)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise fail(f"cannot read {shorten(str(path))}: {reason}", field) from error
    return found.hexdigest()
