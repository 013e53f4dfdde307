"""Behaviour: bad input is told as file:line:column: path: what is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ecosystem.errors import InputError
from ecosystem.scenario import load_scenario
from ecosystem.scenario.shipped import find, shipped
from scenario.valid import WHOLE

SPOILT = [
    (
        "curated: 0.35, neighbours_curated: 0.15",
        "curated: 0.35, neighbours_curated: 0.05",
        "19:11: models[1].diet: the shares of a diet must sum to 1 (they sum to 0.9)",
    ),
    (
        "{from: p, to: q}",
        "{from: p, to: Q}",
        "22:43: network.edges[1].to: there is no model 'Q'; known here: p, q",
    ),
    (
        "{from: p, to: q}",
        "{from: p, to: q, channel: {matrix: [[0.5, 0.5], [0.5, 0.4]]}}",
        "22:77: network.edges[1].channel.matrix[1]: the row of a channel must sum to 1 "
        "(got 0.5, 0.4, which sum to 0.9)",
    ),
    (
        "first:  [1, 0]",
        "first:  [1, 0, 2]",
        "10:11: rewards.first: a reward must have a number per output, outputs.size = 2 (got 3 numbers)",
    ),
    (
        "{from: p, to: q}",
        "{from: p, to: q, weight: -1}",
        "22:54: network.edges[1].weight: must be more than 0 (got -1)",
    ),
    (
        "rate: 1.0",
        "rate: 1.0, ' ': 2",
        "23:40: learning.' ': unknown key",
    ),
    (
        "rate: 1.0",
        "rate: .nan",
        "23:35: learning.rate: must be a number (got NaN)",
    ),
    (
        "first:  [1, 0]",
        "first:  [.nan, 0]",
        "10:12: rewards.first[0]: must be a number (got NaN)",
    ),
    (
        "lam: 0.5, c",
        "lam: .nan, c",
        "7:19: parameters.lam: must be a number (got NaN)",
    ),
    (
        "candidates: 2}\n  - name: q",
        "candidates: 0}\n  - name: q",
        "16:42: models[0].curation.candidates: must be at least 1 (got 0)",
    ),
    (
        "candidates: 2}\n  - name: q",
        "candidates: 2.5}\n  - name: q",
        "16:42: models[0].curation.candidates: must be a whole number or inf (got 2.5)",
    ),
    (
        "lam: [0.5, 0.6]",
        "lam: []",
        "26:15: sweep.grid.lam: must have at least 1 entry (got an empty list)",
    ),
    (
        "lam: 0.5, c",
        "lam: = 1 - c / c0, c",
        "7:19: parameters.lam: there is no parameter 'c0'; did you mean 'c'? (in '= 1 - c / c0')",
    ),
    (
        "lam: 0.5, c: 0.7",
        "lam: = c, c: = lam",
        "7:19: parameters.lam: parameters refer to one another in a circle: lam → c → lam",
    ),
    (
        "= 1 - lam",
        "= __import__('os')",
        "15:18: models[0].diet.real: there is no function '__import__'",
    ),
    (
        "real: = 1 - lam,",
        "real: = min(1, 1 - lam),",
        "15:18: models[0].diet.real: an expression with a comma must be quoted inside {} and [] "
        "(got '= min(1', cut at the comma)",
    ),
    ("rounds: 200", "rounds: no", "4:9: rounds: must be a whole number (got 'no')"),
    ("rounds: 200", "rounds: true", "4:9: rounds: must be a whole number (got true)"),
    ("rounds: 200", "rounds: 2.5", "4:9: rounds: must be a whole number (got 2.5)"),
    ("rounds: 200", "rounds: = 5 / 2", "4:9: rounds: must be a whole number (got 2.5), from '= 5 / 2'"),
    ("source: arXiv", "sorce: arXiv", "3:1: sorce: unknown key; did you mean 'source'?"),
    ("rounds: 200", "# rounds", "1:1: rounds: is missing"),
    ("rounds: 200", "rounds:", "4:8: rounds: must be a whole number (got null)"),
    ("rounds: 200", "rounds: {max: 5, until: stabel}", "4:25: rounds.until: must be 'stable' (got 'stabel')"),
    ("seeds: 1 ", "seeds: [0, 1, 0] ", "5:8: seeds: the seed 0 stands twice"),
    ("seeds: 1 ", "seeds: 0 ", "5:8: seeds: must be at least 1 (got 0)"),
    ("seeds: 1 ", "seeds: [-1] ", "5:9: seeds[0]: must be at least 0 (got -1)"),
    ("mode: exact", "mode: exakt", "6:7: mode: must be 'exact' or 'sampled' (got 'exakt')"),
    (
        "first:  [1, 0]",
        "first: [1, 0]\n  1:  [1, 0]",
        "11:3: rewards[1]: a name must be text (got the number 1)",
    ),
    ("first:  [1, 0]", "first:  [yes, 0]", "10:12: rewards.first[0]: must be a number (got 'yes')"),
    (
        "method: luce",
        "method: luze",
        "16:24: models[0].curation.method: there is no method of curation 'luze'; did you mean 'luce'?",
    ),
    ("reward: first", "reward: frist", "14:13: models[0].reward: there is no reward 'frist'; did you mean"),
    ("reward: first", "reward: {draw: nomal}", "14:20: models[0].reward.draw: must be 'normal' or 'uniform'"),
    ("reward: first", "reward: {scale: 1}", "14:13: models[0].reward.draw: is missing"),
    ("corpus: replace", "corpus: {window: 0}", "23:71: learning.corpus.window: must be at least 1 (got 0)"),
    ("corpus: replace", "corpus: {window: 1, size: 1}", "23:74: learning.corpus.size: unknown key"),
    ("edges: [", "edge: [", "22:3: network.edge: unknown key; did you mean 'edges'?"),
    (
        "  edges: [{from: q, to: p}, {from: p, to: q}]",
        "  generator: barabasi",
        "22:14: network.generator: there",
    ),
]


@pytest.mark.parametrize(("old", "new", "told"), SPOILT, ids=[new[:40] for _, new, _ in SPOILT])
def test_told_where_and_what(old: str, new: str, told: str, tmp_path: Path) -> None:
    assert old in WHOLE
    path = _written(tmp_path, WHOLE.replace(old, new, 1))
    lines = _refused(path).splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"{path}:{told}")


def test_everything_wrong_is_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = WHOLE
    for old, new in [
        ("rounds: 200", "rounds: -1"),
        ("lam: 0.5, c", "lam: = x, c"),
        ("size: 2", "size: 2, size: 3"),
        ("first:  [1, 0]", "first:  [1, 0, 2]"),
        ("reward: second", "reward: secnd"),
        ("{from: q, to: p}", "{from: q, to: r}"),
        ("rate: 1.0", "rate: 2.0"),
        ("states: false", "states: 0"),
        ("column: alignment", "column: alignmnt"),
    ]:
        assert old in text
        text = text.replace(old, new, 1)
    told = _refused(_written(tmp_path, text)).splitlines()
    assert [line.split(": ")[1] for line in told] == [
        "rounds",
        "parameters.lam",
        "outputs.size",
        "rewards.first",
        "models[1].reward",
        "network.edges[0].to",
        "learning.rate",
        "record.states",
        "expect[0].column",
    ]


def test_a_sweep_that_changes_nothing(tmp_path: Path) -> None:
    told = _refused(_written(tmp_path, WHOLE.replace("grid: {lam: [0.5, 0.6]}", "grid: {}"))).splitlines()
    assert told[0].endswith(
        "26:3: sweep: the sweep is empty; give `grid`, or another form, at least one key with values"
    )
    assert [line.split(": ")[1] for line in told[1:]] == ["expect[0].where.lam", "expect[1].where.lam"]


def test_a_sweep_of_what_is_not_there(tmp_path: Path) -> None:
    told = _refused(_written(tmp_path, WHOLE.replace("lam: [0.5, 0.6]", "lma: [0.5, 0.6]")))
    assert ":26:10: sweep.grid.lma: 'lma' is neither a parameter nor a setting" in told
    assert "there is no 'lma'; did you mean 'lam'?" in told


def test_a_misspelt_key_that_is_needed(tmp_path: Path) -> None:
    told = _refused(_written(tmp_path, WHOLE.replace("rounds: 200", "rouns: 200")))
    assert ":1:1: rounds: is missing" in told
    assert ":4:1: rouns: unknown key; did you mean 'rounds'?" in told


def test_a_sweep_names_the_point_that_is_not_valid(tmp_path: Path) -> None:
    told = _refused(_written(tmp_path, WHOLE.replace("lam: [0.5, 0.6]", "lam: [1.5, 0.6]")))
    assert "(got -0.5), from '= 1 - lam' (at lam = 1.5)" in told


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    with path.open("wb") as stream:
        stream.truncate(200_000_000)
    assert _refused(path) == f"{path}: is 200.0 MB, more than 4 MB; put large data in a CSV file"


def test_a_directory(tmp_path: Path) -> None:
    assert _refused(tmp_path) == f"{tmp_path}: is a directory; name the YAML file in it"


def test_a_missing_file(tmp_path: Path) -> None:
    assert _refused(tmp_path / "none.yaml") == f"{tmp_path / 'none.yaml'}: no such file"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe.yaml"
    os.mkfifo(path)
    assert _refused(path) == f"{path}: is not a regular file"


def test_a_device() -> None:
    assert _refused(Path("/dev/zero")) == "/dev/zero: is not a regular file"


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser reads every file")
def test_an_unreadable_file(tmp_path: Path) -> None:
    path = _written(tmp_path, WHOLE)
    path.chmod(0)
    assert _refused(path) == f"{path}: cannot be read (Permission denied)"


def test_not_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes("name: a\ndescription: café\n".encode("latin-1"))
    assert _refused(path) == (f"{path}:2:17: is not UTF-8 text (byte 0xe9 at offset 24); save the file as UTF-8")


def test_utf_16(tmp_path: Path) -> None:
    path = tmp_path / "wide.yaml"
    path.write_bytes(WHOLE.encode("utf-16"))
    assert _refused(path).startswith(f"{path}:1:1: is not UTF-8 text (byte 0xff at offset 0)")


@pytest.mark.parametrize(("text", "got"), [("- a\n", "['a']"), ("text\n", "'text'"), ("3\n", "3"), ("~\n", "null")])
def test_not_a_mapping(text: str, got: str, tmp_path: Path) -> None:
    path = _written(tmp_path, text)
    assert _refused(path) == f"{path}:1:1: a scenario is a mapping (got {got})"


def test_an_alias_bomb(tmp_path: Path) -> None:
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    path = _written(tmp_path, "\n".join(["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]", *levels]))
    assert _refused(path) == f"{path}:1:34: has more than 300,000 values once aliases are expanded"


def test_neither_a_file_nor_a_shipped_scenario() -> None:
    assert "is neither a file nor a shipped scenario" in _refused("no_such_scenario")
    assert _refused("a\0b").startswith("'a\\x00b' is neither a file")


def test_where_scenarios_do_not_come_along_none_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(package: str) -> None:
        raise ModuleNotFoundError(package)

    monkeypatch.setattr("importlib.resources.files", missing)
    assert shipped() == {}
    with pytest.raises(InputError, match=r"'two_model_backfire' is neither a file nor a shipped scenario$"):
        find("two_model_backfire")


def test_a_directory_does_not_hide_a_shipped_scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "collapse").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find("collapse").is_file()


def _written(folder: Path, text: str) -> Path:
    path = folder / "spoilt.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def _refused(source: str | Path) -> str:
    with pytest.raises(InputError) as caught:
        load_scenario(source)
    return str(caught.value)
