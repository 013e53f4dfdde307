"""Behaviour: a later format is refused with who reads it; keys of an earlier one are told by their new names."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecosystem import Scenario, load_scenario
from ecosystem.errors import InputError
from ecosystem.plan.identity import run_id
from ecosystem.scenario import versions
from ecosystem.scenario.versions import RELEASES, VERSION, Renamed

TEXT = """\
version: {version}
name: one
rounds: 3
outputs: {{kind: categorical, size: 2}}
models:
  - {{name: m, diet: {{raw: 1}}}}
  - {{name: q, diet: {{{source}: 1}}}}
learning: {{{rate}: 0.5}}
"""


def load(folder: Path, version: object = 1, source: str = "raw", rate: str = "rate") -> Scenario:
    path = folder / "one.yaml"
    path.write_text(TEXT.format(version=version, source=source, rate=rate), encoding="utf-8")
    return load_scenario(path)


def problems(folder: Path, **words: object) -> list[str]:
    with pytest.raises(InputError) as raised:
        load(folder, **words)
    return str(raised.value).replace(f"{folder}/", "").splitlines()


def test_a_later_version_is_refused_with_who_reads_it_and_nothing_else(tmp_path: Path) -> None:
    (told,) = problems(tmp_path, version=VERSION + 1, rate="pace")
    assert told.startswith(
        f"one.yaml:1:10: version: this scenario is of version {VERSION + 1} of the format, and this release ("
    )
    assert "a newer release reads it: pip install --upgrade ecosystem-sim" in told


def test_a_version_whose_release_is_known_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RELEASES, VERSION + 1, "7.0.0")
    (told,) = problems(tmp_path, version=VERSION + 1)
    assert "release 7.0.0 or newer reads it" in told


@pytest.mark.parametrize(("version", "told"), [(0, "at least 1"), ("one", "whole number"), ("true", "whole number")])
def test_what_is_no_version(tmp_path: Path, version: object, told: str) -> None:
    (line,) = problems(tmp_path, version=version)
    assert line.startswith("one.yaml:1:10: version: must be") and told in line


def test_the_version_is_the_present_one_by_default_and_changes_no_result(tmp_path: Path) -> None:
    said = load(tmp_path, version=VERSION)
    unsaid = Scenario(**{key: value for key, value in said.document.data.items() if key != "version"})
    assert unsaid.version == said.version == VERSION
    assert run_id(said, 0) == run_id(unsaid, 0)
    assert VERSION in RELEASES


def test_keys_that_are_renamed_are_told_by_their_new_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(versions.RENAMED, "learning.pace", Renamed("rate", 2))
    monkeypatch.setitem(versions.RENAMED, "models[].diet.own", Renamed("raw", 2, "take the share of data into account"))
    own, pace = problems(tmp_path, source="own", rate="pace")
    assert own == (
        "one.yaml:7:22: models[1].diet.own: is called 'raw' since version 2 of the format; write that instead, "
        "and take the share of data into account"
    )
    assert pace == "one.yaml:8:12: learning.pace: is called 'rate' since version 2 of the format; write that instead"


def test_a_key_that_is_no_more_is_to_be_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(versions.RENAMED, "learning.pace", Renamed("", 3))
    (told,) = problems(tmp_path, rate="pace")
    assert told.endswith("learning.pace: is no more since version 3 of the format; leave it out")
