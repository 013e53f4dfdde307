"""What each part of the page says: the right number, the right word, and nothing where there is nothing to say."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from matplotlib import pyplot

import analysis
import ecosystem
from analysis.plots.style import number
from analysis.report.again import again
from analysis.report.alignment import alignment
from analysis.report.asked import facts
from analysis.report.at_the_end import at_the_end
from analysis.report.command import report
from analysis.report.compared import compared
from analysis.report.content import Estimate
from analysis.report.dependence import dependence
from analysis.report.design import design
from analysis.report.material import Part, estimate
from analysis.report.page import page
from analysis.report.reach import reach
from analysis.report.samples import samples
from analysis.report.states import movement
from analysis.report.tables import text
from analysis.report.users import users
from analysis.report.variety import variety
from ecosystem import Scenario, load_scenario
from ecosystem.errors import EcosystemError
from ecosystem.learners import crafts
from ecosystem.plan.runs import plan
from ecosystem.store.results import open_results
from ecosystem.store.store import open_store
from ecosystem.store.versions import versions
from tests.doubles import CHAIN, carried_out, small
from tests.doubles.pages import captions, curated, part, part_of, titles

NOTHING = Part()


def asked_by_two(quality: list[list[float]], sweep: Any = None) -> Any:
    """Runs of a model that two groups ask, each for prompts of its own kind."""
    return ecosystem.run(
        Scenario(
            name="gap",
            rounds=3,
            seeds=8,
            mode="sampled",
            parameters={"synthetic": 0.5},
            outputs={"kind": "categorical", "size": 2, "contexts": 2, "scores": {"quality": quality}},
            models=[{"name": "m", "diet": {"real": "= 1 - synthetic", "raw": "= synthetic"}}],
            learning={"examples": 200},
            users={"groups": [{"name": "A", "size": 5, "contexts": [0]}, {"name": "B", "size": 5, "contexts": [1]}]},
            sweep=sweep,
        )
    )


def test_a_gap_that_chance_makes_is_no_rise() -> None:
    found = part_of(users, asked_by_two([[1, 0], [1, 0]], {"grid": {"synthetic": [0.2, 0.8]}})).findings
    assert "It starts at 0 and rises beyond chance at 0 and falls at 0 of 2 points." in found[0]
    assert found[1].startswith("Disparate bias is that of chance at every point of the sweep: no group is ahead")
    alone = part_of(users, asked_by_two([[1, 0], [1, 0]])).findings
    assert alone[1].startswith("Disparate bias is that of chance: no group is ahead of another")


def test_a_gap_that_is_there_is_not_put_down_to_chance() -> None:
    found = part_of(users, asked_by_two([[1, 0], [0.4, 0]], {"grid": {"synthetic": [0.2, 0.8]}})).findings
    assert any(each.startswith("Disparate bias ends") for each in found)
    assert not any("that of chance" in each for each in found)


def test_variants_among_which_is_infinity_are_named_as_they_are_written() -> None:
    asked = Scenario(
        name="counts",
        rounds=3,
        parameters={"k": 3},
        outputs={"kind": "categorical", "size": 2},
        rewards={"first": [1, 0]},
        models=[curated("p", "= k")],
        sweep={"grid": {"k": [3, float("inf")]}},
    )
    found = part_of(compared, ecosystem.run(asked))
    assert titles(found) == ["Compared with 3"]
    assert any(each.startswith("Against 3, ∞ raises alignment most") for each in found.findings), found.findings


def test_what_a_result_depends_on_is_named_with_its_index_of_total_order() -> None:
    ranges = {"lam": [0.1, 0.9], "idle": [0, 1]}
    results = ecosystem.run(
        small(parameters={"lam": 0.5, "idle": 0}, sweep={"saltelli": {"samples": 4, "ranges": ranges}})
    )
    found = part_of(dependence, results)
    table = analysis.sobol(results, "alignment")
    most = table.set_index(["parameter", "order"])["index"]["lam", "total"]
    assert most < table["index"].max()  # of so few samples the index of first order comes out larger
    assert found.findings == (f"Alignment depends most on lam: {number(most, 2)} of its variance, with others.",)
    assert captions(found) == ["What alignment after the last round depends on."]


def test_a_result_on_which_nothing_acts_depends_on_nothing() -> None:
    ranges = {"idle": [0, 1], "other": [0, 1]}
    sweep = {"saltelli": {"samples": 4, "ranges": ranges}}
    assert part(dependence, small(parameters={"lam": 0.5, "idle": 0, "other": 0}, sweep=sweep)) == NOTHING


def test_effects_are_told_and_without_their_library_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("SALib", reason="the extra [sensitivity] is not installed")
    ranges = {"lam": [0.1, 0.9], "idle": [0, 1]}
    results = ecosystem.run(
        small(parameters={"lam": 0.5, "idle": 0}, sweep={"morris": {"trajectories": 4, "ranges": ranges}})
    )
    most = analysis.morris(results, "alignment").set_index("parameter").loc["lam", "mu_star"]
    found = part_of(dependence, results)
    assert found.findings == (f"Alignment depends most on lam: {number(most, 2)} on average over its range.",)
    monkeypatch.setitem(sys.modules, "SALib.analyze.morris", None)
    assert part_of(dependence, results) == NOTHING


ALONE: dict[str, Any] = {
    "models": [curated("p", diet={"real": "= 1 - lam", "curated": "= lam"})],
    "network": {"edges": []},
}
EIGHT = [0.1 * n for n in range(1, 9)]
ROUNDS, SWEEP = "Each model’s alignment, round by round.", "Alignment after the last round, over what was swept."


@pytest.mark.parametrize(
    ("changes", "grid", "shown"),
    [
        (ALONE, {"lam": EIGHT}, [SWEEP]),  # more lines than a figure holds
        (ALONE, {"lam": EIGHT[:4], "learning.rate": EIGHT[:4]}, [ROUNDS, SWEEP]),
        ({}, {"lam": EIGHT[:4], "learning.rate": EIGHT[:4]}, [SWEEP]),  # panels are models’
        ({}, {"lam": [0.1, 0.2], "learning.rate": [0.5, 1], "learning.corpus": ["replace", "accumulate"]}, []),
    ],
    ids=["one number", "two of one model", "two of two models", "three"],
)
def test_figures_of_a_sweep_are_those_that_can_hold_it(
    changes: dict[str, Any], grid: dict[str, Any], shown: list[str]
) -> None:
    assert captions(part(alignment, small(**changes, sweep={"grid": grid}))) == shown


def test_of_a_model_without_a_reward_no_alignment_is_told() -> None:
    for sweep in (None, {"grid": {"lam": [0.2, 0.8]}}):
        found = part(alignment, small(sweep=sweep) if sweep else small())
        (told,) = found.findings
        assert told.startswith("p’s alignment ")


def many(count: int = 12, **changes: Any) -> Scenario:
    """Models m1, m2, … that are curated, and z, which reads one of them and wants the opposite."""
    models = [curated("m", count=count - 1), {"name": "z", "reward": "second", "diet": {"neighbours_raw": 1}}]
    rewards = {"first": [1, 0], "second": [0, 1]}
    network = {"edges": [{"from": "m1", "to": "z"}]}
    return small(models=models, rewards=rewards, network=network, **changes)


@pytest.fixture(scope="module")
def crowd() -> Any:
    return ecosystem.run(many(30))


def test_many_models_are_told_of_as_one(crowd: Any) -> None:
    found = part_of(alignment, crowd)
    last = crowd.last("models")
    assert found.findings[0] == f"Mean alignment over 30 models rises from 0.5 to {number(last['alignment'].mean())}."
    quarter, half = (number(last["alignment"].quantile(q)) for q in (0.25, 0.75))
    assert found.findings[1] == (
        f"At the end the middle half of the models lies between {quarter} and {half}; "
        "1 of 30 end lower than they started."
    )
    assert captions(found) == [
        "The median over models, and the bands that hold the middle of them.",
        "How many models have which alignment, at the start and at the end.",
    ]


def test_of_many_models_the_table_holds_both_ends(crowd: Any) -> None:
    (section,) = part_of(at_the_end, crowd).sections
    assert section.paragraphs == (
        "The 10 models with the most and with the least alignment after the last round; "
        "entropy and divergence are in nats.",
    )
    top, bottom = (sheet.rows for sheet in section.sheets)
    assert len(top) == len(bottom) == 10
    assert "z" not in set(top["model"])
    assert bottom["model"].iloc[-1] == "z"
    last = crowd.last("models").astype({"model": str}).set_index("model")["alignment"]
    assert bottom["alignment"].iloc[-1] == Estimate(pytest.approx(last["z"]))


def test_of_many_models_and_points_the_table_holds_means() -> None:
    results = ecosystem.run(many(30, sweep={"grid": {"learning.rate": [0.5, 1]}}))
    (section,) = part_of(at_the_end, results).sections
    assert section.paragraphs[0].startswith("The mean over models after the last round")
    (sheet,) = section.sheets
    last = results.last("models", parameters=True)
    means = last.groupby("learning.rate")["alignment"].mean()
    assert sheet.rows["learning.rate"].tolist() == [0.5, 1]
    assert [cell.mean for cell in sheet.rows["alignment"]] == pytest.approx(means.tolist())


VARIANTS = {"grid": {"models.p.curation.method": ["luce", "best_of"]}}


def test_of_an_unfinished_sweep_one_variant_is_compared_with_nothing(tmp_path: Path) -> None:
    carried_out(small(sweep={"grid": {"models.p.curation.method": ["luce"]}}), tmp_path)
    with open_store(plan(small(sweep=VARIANTS)), tmp_path):
        pass
    results = open_results(tmp_path)
    assert results.runs["status"].tolist() == ["done", "pending"]
    assert part_of(compared, results) == NOTHING
    assert part_of(alignment, results).findings[0].endswith(" wherever a run is done (1 of 2 points).")


def test_what_the_baseline_has_no_value_of_is_not_compared() -> None:
    model = curated("p", curation={"candidates": 2, "reward": "first"})
    swept = small(models=[model], network={"edges": []}, sweep={"grid": {"models.p.reward": [None, "first"]}})
    assert part(alignment, swept).findings != ()
    assert part(compared, swept) == NOTHING


def test_what_is_asked_is_told_in_facts() -> None:
    scenario = small(
        models=[{"name": "m", "count": 8, "reward": "first", "diet": {"real": 0.5, "raw": 0.5}}],
        curated={"fraction": 0.25, "diet": {"real": 0.5, "curated": 0.5}, "curation": {"candidates": 2}},
        network={"edges": [{"from": "m1", "to": "m2"}]},
        events=[{"round": 1, "cut": {"from": "m1", "to": "m2"}}],
        remedy={"method": "best_of_k", "candidates": 2},
        outputs={"kind": "categorical", "size": 2, "scores": {"quality": [0, 1]}},
    )
    found = dict(facts(scenario, design(ecosystem.run(scenario))))
    assert found["Models"] == "8 models, a part of them curated; 1 edge"
    assert found["Events"] == "1 event"
    assert found["Remedy"] == "best of k"


def test_models_that_nobody_reads_have_no_network() -> None:
    assert part(reach, Scenario(**CHAIN | {"network": {"edges": []}})) == NOTHING


def test_over_many_points_reach_is_a_table() -> None:
    results = ecosystem.run(Scenario(**CHAIN | {"sweep": {"grid": {"learning.rate": EIGHT}}}))
    found = part_of(reach, results)
    assert found.findings == ()
    assert len(captions(found)) == 1 and captions(found)[0].startswith("Every model of the first run")
    (sheet,) = found.sections[0].sheets
    known = analysis.propagation(results)
    assert len(sheet.rows) == len(known) == 8 * 4


def test_what_does_not_fall_with_distance_has_no_length_of_decay() -> None:
    """The curated model is where it wants to be from the start, and only its readers have something to gain."""
    models = [dict(model) for model in CHAIN["models"]]
    models[0] |= {"initial": [1, 0]}
    assert part(reach, Scenario(**CHAIN | {"models": models})).findings == (
        "Curated models gain 0 in alignment, the model farthest from them (2 hops) 0.5.",
    )


def test_over_more_than_three_points_variety_is_shown_and_not_told() -> None:
    def swept(values: list[float]) -> Part:
        draws = {"mode": "sampled", "learning": {"examples": 5}, "rounds": 3}
        return part(variety, small(**draws, sweep={"grid": {"lam": values}}))

    few, more = swept([0.1, 0.2]), swept([0.1, 0.2, 0.3, 0.4])
    assert few.findings and not more.findings
    assert titles(few) == titles(more) == ["Variety"]


def test_displacement_is_told_point_by_point_of_few_points() -> None:
    def swept(values: list[float], rounds: int = 3) -> Part:
        models = [{"name": "a", "diet": {"real": 1}, "initial": [1, 0]}]
        return part(
            movement,
            small(
                rounds=rounds,
                rewards={},
                models=models,
                network={"edges": []},
                real=[0.5, 0.5],
                sweep={"grid": {"learning.rate": values}},
                learning={"regime": "incremental"},
            ),
        )

    # A round goes a part η of what is left, so that three go 1 − (1 − η)³ of the way of ½.
    half, whole = (number((1 - (1 - eta) ** 3) ** 2 / 4) for eta in (0.5, 1))
    assert swept([0.5, 1]).findings == (
        f"Squared displacement from the start, at the end: {half} (rate = 0.5), {whole} (rate = 1).",
    )
    five = swept([0.1, 0.2, 0.3, 0.4, 0.5])
    assert five.findings == () and len(captions(five)) == 1
    assert swept([0.5, 1], rounds=1) == NOTHING  # two points are no curve


def asked(sizes: list[float], step: float = 0.0, **changes: Any) -> Scenario:
    """Groups that are served alike, of which the first grows by a step a round at the cost of the others."""
    groups = [{"name": name, "size": size, "contexts": [0]} for name, size in zip("ABC", sizes, strict=False)]
    feedback = {"method": "linear", "group": "A", "step": "= step", "cap": 0.95} if step else {"method": "static"}
    outputs = {"kind": "categorical", "size": 2, "scores": {"lean": [1, 0], "quality": [0, 1]}}
    models = [{"name": "m", "diet": {"raw": 1}, "initial": [0.6, 0.4]}]
    return Scenario(
        name="asked",
        rounds=2,
        parameters={"step": step},
        outputs=outputs,
        models=models,
        users={"groups": groups, "feedback": feedback},
        **changes,
    )


def test_who_loses_most_is_who_falls_furthest() -> None:
    """B ends at .4, still above C’s .08, and has lost .1; C .02."""
    found = part(users, asked([4, 5, 1], 0.06, sweep={"grid": {"step": [0.03, 0.06]}}))
    assert "Group B loses most: its share of active users falls from 0.5 to 0.4 (step = 0.06)." in found.findings


def test_where_nobody_leaves_nobody_loses() -> None:
    found = part(users, asked([6, 4], sweep={"grid": {"learning.sharing": [0, 0.5]}}))
    assert not [text for text in found.findings if "loses" in text]


def test_what_is_swept_between_yes_and_no_is_told_so() -> None:
    found = part(users, asked([6, 4], sweep={"grid": {"users.individuals": [False, True]}}))
    for sheet in found.sections[-1].sheets:
        assert list(dict.fromkeys(sheet.rows["users.individuals"].map(text))) == ["no", "yes"]


def test_an_estimate_of_nothing_has_an_interval_all_the_same() -> None:
    """Student’s t with one degree of freedom: 12.7 times the standard error of ±.1."""
    rows = pd.DataFrame({"seed": [0, 1], "change": [-0.1, 0.1]})
    assert estimate(rows, "change") == "0 (95%: −1.3 to 1.3)"


def test_of_a_run_that_never_began_no_program_is_named(tmp_path: Path) -> None:
    with open_store(plan(small()), tmp_path):
        pass
    told = dict(again(open_results(tmp_path)).facts)
    assert told["Runs"] == "1 (1 pending)"
    assert not {"Program", "Libraries", "Machine"} & set(told)


@pytest.mark.parametrize("revision", ["abc123", "abc123+", None])
def test_a_checkout_that_was_changed_is_marked(
    revision: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = versions() | {"revision": revision}
    monkeypatch.setattr("ecosystem.store.store.versions", lambda: known)
    carried_out(small(), tmp_path)
    told = again(open_results(tmp_path)).facts
    (program,) = [fact for term, fact in told if term == "Program"]
    assert program == f"ecosystem {known['program']}" + (f", git revision {revision}" if revision else "")
    marked = ("", "The + says that files differed from that revision.") in told
    assert marked == (revision == "abc123+")


def test_the_command_draws_a_picture_where_there_are_distances(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ecosystem.run(Scenario(**CHAIN), out=tmp_path / "chain")
    report(tmp_path / "chain", tmp_path / "pages" / "chain.html")
    drawn = tmp_path / "pages" / "alignment_by_distance.png"
    assert drawn.read_bytes().startswith(b"\x89PNG")
    assert f"picture: {drawn}" in capsys.readouterr().out
    blocked = tmp_path / "pages" / "chain.html" / "x.html"
    with pytest.raises(EcosystemError, match=r"cannot write .*x\.html: "):
        report(tmp_path / "chain", blocked)


def painted(self: Any, items: Any) -> list[bytes]:
    """A grey pixel for each output."""
    found = []
    for item in items[:, 0]:
        buffer = io.BytesIO()
        pyplot.imsave(buffer, np.full((2, 2, 3), int(item) / 2), format="png")
        found.append(buffer.getvalue())
    return found


@pytest.mark.parametrize("grid", [None, {"learning.examples": [10, 20]}], ids=["one point", "two"])
def test_what_models_painted_is_shown_model_by_model(grid: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.plain.tally import Tally

    monkeypatch.setitem(crafts.CRAFTS, "tally", "tests.plain.tally:Tally")
    monkeypatch.setattr(Tally, "show", painted)
    wants = {"judge": "values", "values": [1, 0, 0]}
    scenario = Scenario(
        name="tally",
        rounds=1,
        mode="sampled",
        outputs={"kind": "tally", "size": 3, "real": [0.5, 0.3, 0.2]},
        rewards={"first": wants},
        models=[{"name": name, "reward": "first", "diet": {"raw": 1}} for name in "pq"],
        learning={"examples": 20},
        record={"samples": 2},
        **({"sweep": {"grid": grid}} if grid else {}),
    )
    found = part(samples, scenario)
    where = " at each point" if grid else ""
    assert captions(found) == [
        f"What {name} wrote in the run{where}: a row a round, a column a kind of prompt." for name in "pq"
    ]
    assert found.sections[0].sheets == ()


OWN = """
from ecosystem.plugins import Curator


class Plain(Curator, name="plain"):
    def keep(self, p, rho, candidates):
        return p * 1
"""


def test_with_plugins_and_nothing_expected_it_is_told_how_to_do_it_again(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN, encoding="utf-8")
    written = small().document.data | {"plugins": ["own.py"]}
    (tmp_path / "it.yaml").write_text(yaml.safe_dump(written | {"name": "it", "expect": []}), encoding="utf-8")
    results = ecosystem.run(load_scenario(tmp_path / "it.yaml", allow_code=True), out=tmp_path / "runs")
    told = again(results)
    assert told.command == "ecosystem run it.yaml --allow-code\necosystem report runs/it --allow-code"
    assert "with the files of its plug-ins beside it, which are not in this page (own.py), then:" in page(results)


def test_without_plugins_and_with_something_expected_there_is_a_check(tmp_path: Path) -> None:
    expect = [
        {"table": "models", "column": "alignment", "where": {"model": "p"}, "value": 0.5, "tolerance": 1, "source": "x"}
    ]
    results = ecosystem.run(small(expect=expect), out=tmp_path)
    name = results.scenario.name
    assert again(results).command.splitlines()[1] == f"ecosystem check {name}.yaml"
    assert "--allow-code" not in page(results) and "beside it" not in page(results)


def test_every_section_of_a_page_is_in_its_navigation(tmp_path: Path) -> None:
    made = page(ecosystem.run(small(), out=tmp_path))
    (listed,) = re.findall(r"<nav.*?</nav>", made, re.DOTALL)
    assert set(re.findall(r'href="#([a-z-]+)"', listed)) == set(re.findall(r'<h2 id="([a-z-]+)"', made)) - {"findings"}
