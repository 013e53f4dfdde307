"""A craft, and judges of what it draws, that a file of the scenario defines."""

from __future__ import annotations

from pathlib import Path

import pytest

import ecosystem
from ecosystem.errors import EcosystemError

CODE = '''
from plain.tally import Tally

from ecosystem.plugins import Judge, Number


class Counts(Tally, name="counts"):
    """The simplest craft, by another name."""


class Near(Judge, name="near"):
    top = 0.0
    target: Number = 0.0

    def values(self, items, context):
        return -(items[..., 0].double() - self.target).abs()
'''

TEXT = """\
name: counted
rounds: 2
mode: sampled
plugins: [mine.py]
outputs: {kind: counts, size: 3, real: [0.5, 0.3, 0.2], scores: {quality: {judge: near, target: 1}}}
rewards: {low: {judge: near}, listed: {judge: values, values: [0, -1, -2]}}
models:
  - {name: p, reward: low, diet: {curated: 1}, curation: {method: luce, candidates: 4}}
  - {name: q, reward: listed, diet: {real: 1}}
learning: {examples: 4000}
users:
  groups: [{name: A, size: 10, contexts: [0], reward: low}]
  feedback: {method: retention, scale: 1}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(CODE, encoding="utf-8")
    (tmp_path / "asked.yaml").write_text(TEXT, encoding="utf-8")
    return tmp_path / "asked.yaml"


def test_they_work_in_a_run(path: Path) -> None:
    with pytest.raises(EcosystemError, match="--allow-code"):
        ecosystem.load_scenario(path)
    results = ecosystem.run(path, allow_code=True)
    assert list(results.runs["status"]) == ["done"], results.failures
    models = results.models.set_index(["model", "round"])["alignment"]
    assert models["q", 0] == pytest.approx(-0.7, abs=0.05)  # 0 · ½ − 1 · 0.3 − 2 · 0.2, by either judge
    assert models["p", 0] == pytest.approx(-0.7, abs=0.05)
    assert models["p", 2] > models["p", 1] > models["p", 0]
    # The best there is, 0, is what the judge states; users go by the risk below it.
    first = results.groups.query("round == 1")["active"].item()
    u = results.groups.query("round == 1")["satisfaction"].item()
    assert first == pytest.approx(10 * 2.718281828459045**u)


def test_a_judge_that_gives_no_number_for_each_item_is_told_of(path: Path) -> None:
    (path.parent / "mine.py").write_text(CODE.replace(".abs()", ".abs().sum()"), encoding="utf-8")
    results = ecosystem.run(path, allow_code=True)
    assert "judge near: must return" in results.runs["error"].item()
