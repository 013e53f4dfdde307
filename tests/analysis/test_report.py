"""The page about a run: what it says is what the tables hold, and nothing in a scenario can do anything in it."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import analysis
import ecosystem
from analysis.plots.style import number
from analysis.report.asked import chance, draws
from analysis.report.design import POINT, design
from analysis.report.expectations import expectations
from analysis.report.page import page
from ecosystem import Scenario
from ecosystem.expectations import tables_of
from ecosystem.learners import crafts
from ecosystem.plan.runs import plan
from ecosystem.scenario.shipped import shipped
from ecosystem.store.results import open_results
from ecosystem.store.store import open_store
from tests.doubles import CHAIN, Engine, carried_out, small

HOSTILE = "<img src=x onerror=alert(1)>"

TRAINED = {name for name in shipped() if ecosystem.load_scenario(name).outputs.kind in crafts.kinds()}
"""Scenarios that train networks, for minutes to hours."""


class Read(HTMLParser):
    """What a page is made of: tags with their attributes, and the text that a reader sees."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.seen: list[str] = []
        self._style = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        self._style = tag == "style"

    def handle_data(self, data: str) -> None:
        if not self._style:
            self.seen.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.seen).split())

    @property
    def findings(self) -> str:
        """What stands under "What came out"."""
        return self.text.partition("What came out")[2].partition("What was asked")[0]

    def images(self) -> list[bytes]:
        return [
            base64.b64decode(found["src"].removeprefix("data:image/svg+xml;base64,"))
            for tag, found in self.tags
            if tag == "img"
        ]


def read(scenario: Scenario | str, **options: Any) -> Read:
    return Read(page(ecosystem.run(scenario, **options)))


def harmless(found: Read) -> None:
    """Assert that a page runs nothing and asks nobody."""
    assert not {"script", "iframe", "object", "embed", "link", "form", "base"} & {tag for tag, _ in found.tags}
    for tag, attributes in found.tags:
        assert not [name for name in attributes if name.startswith("on")], tag
        assert attributes.get("src", "data:image/svg+xml;base64,").startswith("data:image/svg+xml;base64,")
        assert re.match(r"#|https://arxiv\.org/abs/\d{4}\.\d{4,5}$", attributes.get("href", "#"))
    for image in found.images():
        for element in ElementTree.fromstring(image).iter():
            assert element.tag.rpartition("}")[2] not in ("script", "foreignObject", "a")
            for name, value in element.attrib.items():
                assert not name.startswith("on")
                if name.rpartition("}")[2] == "href":
                    assert value.startswith(("#", "data:image/png"))


def test_whatever_a_scenario_says_does_nothing(tmp_path: Path) -> None:
    groups = [
        {"name": HOSTILE, "size": 6, "contexts": [0], "reward": HOSTILE},
        {"name": "B", "size": 4, "contexts": [0]},
    ]
    groups[1]["reward"] = HOSTILE
    scenario = Scenario(
        name=HOSTILE,
        description=HOSTILE,
        source=f"{HOSTILE} arXiv:2605.29267 javascript:alert(1)",
        rounds=4,
        outputs={"kind": "categorical", "size": 2, "scores": {"lean": [1, 0], "quality": [0, 1], HOSTILE: [1, 0]}},
        rewards={HOSTILE: [1, 0]},
        models=[
            {"name": HOSTILE, "reward": HOSTILE, "diet": {"curated": 1}, "curation": {"candidates": 2}},
            {"name": "b", "reward": HOSTILE, "diet": {"neighbours_raw": 1}},
            {"name": "$c$", "reward": HOSTILE, "diet": {"neighbours_raw": 1}},
        ],
        network={"edges": [{"from": HOSTILE, "to": "b"}, {"from": "b", "to": "$c$"}]},
        users={"groups": groups, "feedback": {"method": "replicator", "rate": 1}},
        expect=[{"table": "models", "column": "alignment", "sign": "positive", "source": HOSTILE}],
    )
    found = read(scenario, out=tmp_path / "run")
    harmless(found)
    assert found.text.count(HOSTILE) > 10
    assert len(found.images()) >= 3


def test_an_error_of_a_run_is_text_too(tmp_path: Path) -> None:
    class Cursed(Engine):
        def __call__(self, *arguments: Any, **options: Any) -> Any:
            outcome = super().__call__(*arguments, **options)
            outcome.errors = {key: f"Traceback\n{HOSTILE}" for key in outcome.errors}
            return outcome

    carried_out(small(seeds=3), tmp_path, Cursed(failing={1}))
    found = Read(page(open_results(tmp_path)))
    harmless(found)
    assert HOSTILE in found.text
    assert "Of 3 runs, 1 failed. What follows is of the 2 runs that are done." in found.text


def test_the_page_forbids_what_it_does_not_need() -> None:
    (policy,) = [found["content"] for tag, found in read(Scenario(**CHAIN)).tags if "http-equiv" in found]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def test_the_same_results_make_the_same_page() -> None:
    results = ecosystem.run(Scenario(**CHAIN))
    assert page(results) == page(results)


def test_sentences_say_what_the_tables_hold() -> None:
    found = read(Scenario(**CHAIN)).findings
    # Each round multiplies a's odds by e; b is a round later, c two; d never changes.
    assert "a’s alignment rises from 0.5 to 0.9526." in found
    assert "b’s alignment rises from 0.5 to 0.8808." in found
    assert "c’s alignment rises from 0.5 to 0.7311." in found
    assert "d’s alignment stays at 0.5." in found
    assert "Curated models gain 0.4526 in alignment, the model farthest from them (2 hops) 0.2311." in found


def test_without_chance_nothing_is_said_of_chance() -> None:
    found = read(Scenario(**CHAIN)).findings
    assert "Nothing here is drawn at random" in found
    assert "95%" not in found.replace("over the models of a run", "").partition("Curated models")[0]


def test_one_seed_of_a_sampled_run_has_no_interval_and_says_why() -> None:
    sampled = CHAIN | {"mode": "sampled", "learning": {"examples": 50}}
    alone = read(Scenario(**sampled)).findings
    assert "There is one seed, and training sets are drawn" in alone
    several = read(Scenario(**sampled, seeds=5)).findings
    assert re.search(r"a’s alignment rises from 0\.5 to 0\.\d+ \(95%: 0\.\d+ to [01](\.\d+)?\)", several)
    assert "Student’s t over 5 seeds" in several


def test_what_is_drawn_is_named() -> None:
    drawn = Scenario(**CHAIN | {"network": {"generator": "barabasi_albert", "m": 1}})
    assert draws(drawn.settings()) == ["network"]
    layout = design(ecosystem.run(drawn))
    assert "(network), once, with one seed" in chance(drawn, layout)


def test_expectations_are_told_one_by_one() -> None:
    at = {"table": "models", "where": {"model": "a"}, "round": "last", "column": "alignment"}
    met, failed = at | {"sign": "positive", "source": "Book 1"}, at | {"sign": "negative", "source": "Book 2"}
    for item, told in ((met, "The one expectation holds."), (failed, "The one expectation fails.")):
        results = ecosystem.run(Scenario(**CHAIN, expect=[item]))
        found = expectations(results, tables_of(results))
        assert found is not None and found.text == told
    both = read(Scenario(**CHAIN, expect=[met, failed]))
    assert "1 of 2 expectations hold." in both.findings
    assert "✓ holds Book 1" in both.text and "✗ fails Book 2" in both.text


def test_of_an_unfinished_run_the_page_shows_what_there_is(tmp_path: Path) -> None:
    expect = [{"table": "models", "column": "alignment", "sign": "positive", "source": "me"}]
    carried_out(small(seeds=2, expect=expect), tmp_path)
    with open_store(plan(small(seeds=5, expect=expect)), tmp_path):
        pass
    found = Read(page(open_results(tmp_path)))
    assert "Of 5 runs, 3 not done yet. What follows is of the 2 runs that are done." in found.text
    assert "1 expectation not tried: 3 runs of 5 not done." in found.text
    assert "p’s alignment" in found.findings


def test_of_a_run_of_which_nothing_is_done_the_page_still_says_how_to_do_it(tmp_path: Path) -> None:
    carried_out(small(seeds=2), tmp_path, Engine(failing={0, 1}))
    found = Read(page(open_results(tmp_path)))
    assert "Of 2 runs, 2 failed." in found.text and "no run is done" in found.findings
    assert "seed 0 went wrong" in found.text
    assert "ecosystem run small.yaml" in found.text
    assert found.images() == []


def test_the_scenario_in_the_page_makes_the_same_run(tmp_path: Path) -> None:
    results = ecosystem.run(Scenario(**CHAIN, seeds=2), out=tmp_path / "one")
    text = Read(page(results)).seen
    (yaml,) = [part for part in text if part.startswith("name: chain")]
    (tmp_path / "again.yaml").write_text(yaml, encoding="utf-8")
    again = ecosystem.run(ecosystem.load_scenario(tmp_path / "again.yaml"), out=tmp_path / "two")
    assert again.runs["run"].tolist() == results.runs["run"].tolist()


def test_it_says_which_program_made_the_numbers() -> None:
    text = read(Scenario(**CHAIN)).text
    for told in (f"ecosystem {ecosystem.__version__}", "torch", "float64 on cpu", "Seeds 0", "1 done"):
        assert told in text


@pytest.mark.parametrize(
    ("name", "sections", "images"),
    [
        ("performative_loop", ["Preference bias", "Disparate bias", "Who still asks", "Groups at the end"], 6),
        ("two_model_backfire", ["Alignment", "Influence of curation", "Models at the end"], 3),
        ("performative_stability", ["What models become"], 1),
        ("pluralistic_curation", ["Models at the end"], 0),
    ],
)
def test_figures_fit_the_data(name: str, sections: list[str], images: int) -> None:
    found = read(name)
    harmless(found)
    headings = found.text
    for section in sections:
        assert section in headings
    assert len(found.images()) == images
    if "Alignment" not in sections:
        assert "A model’s alignment is" not in headings or name == "pluralistic_curation"


def test_backfire_is_said_in_words() -> None:
    found = read("two_model_backfire").findings
    assert "Curating p more lowers its own alignment at 2 of 6 points" in found
    assert "Curating q more raises its own alignment at every point of the sweep." in found
    assert "All 14 expectations hold." in found


def test_remedies_are_compared_with_none_on_the_same_seeds() -> None:
    written = dict(ecosystem.load_scenario("remedies").document.data) | {"seeds": 8, "expect": []}
    remedies = [None, {"method": "best_of_k", "candidates": 3}, {"method": "reweighting", "weights": "equal"}]
    found = read(Scenario(**written | {"sweep": {"grid": {"remedy": remedies}}}))
    assert "within each of 8 seeds (common random numbers)" in found.text
    lowered = re.search(
        r"Against none, reweighting lowers preference bias most: by (0\.0\d+) \(95%: (\S+) to (\S+)\)", found.text
    )
    assert lowered is not None
    # Groups that count alike in training keep preference bias at .075; without a remedy it rises to .1294.
    assert float(lowered[2]) < 0.1294 - 0.075 < float(lowered[3])
    # ... so that what is left of its change is chance, and not counted.
    assert "rises beyond chance at 2 and falls at 0 of 3 points" in found.findings


def test_of_many_settings_the_figure_shows_what_a_remedy_does_on_average() -> None:
    base = ecosystem.load_scenario("performative_loop").document.data
    sweep = {"grid": {"step": [0.01 * n for n in range(8)], "remedy": [None, {"method": "reweighting"}]}}
    settings = {key: value for key, value in base.items() if key not in ("sweep", "expect")}
    results = ecosystem.run(Scenario(**settings | {"sweep": sweep, "rounds": 2}))
    text = Read(page(results)).text
    assert "Means over step; the table tells them apart." in text
    changed = analysis.compare(results, "remedy", columns=["preference_bias"], over=["step"]).iloc[0]
    assert f"lowers preference bias most: by {number(abs(changed['difference']), 3)}" in text


def test_a_sweep_is_laid_out_by_what_varies_together() -> None:
    def laid_out(sweep: dict[str, Any]) -> list[tuple[str, int, bool]]:
        results = ecosystem.run(Scenario(**CHAIN | {"parameters": {"x": 0.1, "y": 0.2}, "sweep": sweep}))
        return [(factor.name, factor.levels, factor.numeric) for factor in design(results).factors]

    assert laid_out({"grid": {"x": [0, 1], "y": [0, 1, 2]}}) == [("x", 2, True), ("y", 3, True)]
    assert laid_out({"zip": {"x": [0, 1, 2], "y": [0, 1, 1]}}) == [("x, y", 3, False)]
    temperature = "models.a.curation.temperature"
    assert laid_out({"zip": {"x": [0, 1, 2], "y": [0, 1, 1]}, "grid": {temperature: [1, 2]}}) == [
        (temperature, 2, True),
        ("x, y", 3, False),
    ]
    assert laid_out({"grid": {"learning.corpus": ["replace", "accumulate"]}}) == [("learning.corpus", 2, False)]


def test_points_have_names_beside_every_row() -> None:
    results = ecosystem.run(
        Scenario(**CHAIN | {"parameters": {"volume": 0.5}, "sweep": {"grid": {"volume": [0, 0.5]}}})
    )
    rows = design(results).beside(results.table("models", parameters=True))
    assert rows.groupby("point")[POINT].unique().map(list).tolist() == [["volume = 0"], ["volume = 0.5"]]
    assert "volume" not in Read(page(results)).findings  # it moves nothing


@pytest.mark.parametrize("name", ["volume", "curated", "gain", "model", "start"])
def test_a_parameter_may_be_called_as_a_column_is(name: str) -> None:
    models = [dict(model) for model in CHAIN["models"]]
    models[1] = models[1] | {"diet": {"neighbours_raw": f"= {name}", "raw": f"= 1 - {name}"}}
    scenario = Scenario(
        **CHAIN | {"models": models, "parameters": {name: 0.5}, "sweep": {"grid": {name: [0.5, 0.8, 1]}}}
    )
    found = read(scenario)
    harmless(found)
    assert re.search(rf"b’s alignment ends between 0\.\d+ \((parameters\.)?{name} = 0\.5\) and 0\.8808", found.findings)


@pytest.mark.parametrize(
    ("recorded", "told"),
    [
        ("aggregate", "Mean alignment over all 4 models rises from 0.5 to 0.7661."),
        (["a", "c"], "c’s alignment rises from 0.5 to 0.7311."),
    ],
    ids=["aggregate", "some"],
)
def test_models_that_were_not_recorded_are_not_told_of(recorded: Any, told: str) -> None:
    found = read(Scenario(**CHAIN | {"record": {"models": recorded}}))
    harmless(found)
    assert told in found.findings
    assert "d’s alignment" not in found.findings


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(shipped()) - TRAINED))
def test_every_shipped_scenario_has_a_page(name: str) -> None:
    scenario = ecosystem.load_scenario(name)
    text = page(ecosystem.run(scenario, seeds=min(len(scenario.seed_list), 3)))
    harmless(Read(text))
    assert len(text) < 5_000_000


def test_what_models_wrote_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(crafts.CRAFTS, "tally", "plain.tally:Tally")
    wants = {"judge": "values", "values": [1, 0, 0]}
    found = read(
        Scenario(
            name="tally",
            rounds=4,
            mode="sampled",
            outputs={"kind": "tally", "size": 3, "real": [0.5, 0.3, 0.2]},
            rewards={"first": wants},
            models=[{"name": "p", "reward": "first", "diet": {"raw": 1}}],
            learning={"examples": 20},
            record={"samples": 2},
        )
    )
    harmless(found)
    assert "What models wrote in the run, at first and at the end." in found.text
