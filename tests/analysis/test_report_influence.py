"""What the page says of influence: each point of a sweep counts once, and nobody is said to gain who does not."""

from __future__ import annotations

from typing import Any

import pytest

import ecosystem
from analysis.plots.style import number
from analysis.report.influence import influence
from analysis.report.material import Part
from ecosystem import Scenario
from ecosystem.influence.of_results import influence_table
from tests.doubles.pages import captions, curated, part, part_of

NOTHING = Part()


def tastes(**changes: Any) -> Scenario:
    """Two models of opposite tastes, p and q, that learn from one another and come to rest."""
    whole = {
        "name": "tastes",
        "rounds": {"max": 400, "until": "stable", "tolerance": 1e-9},
        "parameters": {"lam": 0.5, "c": 0.7, "d": 0.3},
        "outputs": {"kind": "categorical", "size": 2},
        "rewards": {"first": [1, 0], "second": [0, 1]},
        "models": [
            {
                "name": "p",
                "reward": "first",
                "diet": {"real": "= 1 - lam", "curated": "= lam * (1 - c)", "neighbours_curated": "= lam * c"},
                "curation": {"candidates": 2},
            },
            {
                "name": "q",
                "reward": "second",
                "diet": {"real": 0.5, "curated": "= 0.5 * (1 - d)", "neighbours_curated": "= 0.5 * d"},
                "curation": {"candidates": 2},
            },
        ],
        "network": {"edges": [{"from": "q", "to": "p"}, {"from": "p", "to": "q"}]},
    }
    return Scenario(**whole | changes)


def alone(*models: dict[str, Any], **changes: Any) -> Scenario:
    """Models that do not read one another."""
    return tastes(models=list(models), network={"edges": []}, **changes)


def test_influence_at_one_point_is_told_model_by_model() -> None:
    found = part(influence, tastes(), seeds=2)
    assert captions(found) == ["Blue helps, red harms: lever by column, affected model by row. Seed 0."]
    assert found.findings == (
        "Curation backfires on the model itself for p (of 2 curated).",
        # q’s on p is, p’s on q is not; both seeds say the same of the same two pairs.
        "50% of all cross-influence (2 pairs of models) is negative: it harms the other.",
    )


def test_points_of_a_sweep_count_once_whatever_the_seeds() -> None:
    results = ecosystem.run(tastes(sweep={"grid": {"lam": [0.5, 0.6], "c": [0, 0.7]}}), seeds=2)
    table = influence_table(results).drop_duplicates(["point", "affected", "lever"])
    own = table[(table["affected"] == "p") & (table["lever"] == "p")]
    assert (own["influence"] < 0).sum() == 2
    worst = own.nsmallest(1, "influence").iloc[0]
    found = part_of(influence, results)
    assert (
        f"Curating p more lowers its own alignment at 2 of 4 points, most at lam = {worst['lam']}, c = {worst['c']} "
        f"(dJ/dλ = {number(worst['influence'])})."
    ) in found.findings
    assert "Curating p more lowers q’s alignment at 2 of 4 points." in found.findings
    assert captions(found) == [
        "Influence of one model’s curation on another’s (or its own) alignment, over what was swept."
    ]


@pytest.mark.parametrize(
    ("models", "told"),
    [
        ([curated("p"), curated("q")], "Curating a model more raises its own alignment in every case."),
        ([curated("p"), curated("q", candidates=1)], "Curating a model more never lowers its own alignment."),
    ],
    ids=["all", "one without a choice"],
)
def test_models_by_themselves_harm_nobody(models: list[dict[str, Any]], told: str) -> None:
    assert part(influence, alone(*models)).findings == (told,)


def test_over_a_sweep_a_curator_without_a_choice_never_lowers() -> None:
    swept = alone(
        curated("p"), curated("q", candidates=1), sweep={"grid": {"learning.corpus": ["replace", "accumulate"]}}
    )
    found = part(influence, swept)
    assert found.findings == (
        "Curating p more raises its own alignment at every point of the sweep.",
        "Curating q more never lowers its own alignment.",
    )
    assert found.sections == ()  # words are no axis


def test_a_model_alone_has_no_matrix_and_one_without_a_choice_no_influence() -> None:
    found = part(influence, alone(curated("p")))
    assert found.findings == ("Curating a model more raises its own alignment in every case.",)
    assert found.sections == ()
    assert part(influence, alone(curated("p", candidates=1))) == NOTHING


def test_what_helps_a_reader_harms_nobody() -> None:
    reader = {"name": "q", "reward": "first", "diet": {"real": 0.5, "neighbours_raw": 0.5}}
    # p is curated for another reward than its own, of which nothing is known: only what it does to q is.
    writer = curated("p", curation={"candidates": 2, "reward": "first"})
    del writer["reward"]
    found = part(influence, tastes(models=[writer, reader], network={"edges": [{"from": "p", "to": "q"}]}))
    assert found.findings == ("No cross-influence is negative: curating a model harms no other.",)


SQUARE = {"grid": {"lam": [0.4, 0.5, 0.6], "c": [0, 0.3, 0.7]}}


def test_over_two_numbers_self_influence_is_a_map() -> None:
    found = part(influence, tastes(sweep=SQUARE))
    assert [caption.partition(" (blue)")[0] for caption in captions(found)] == ["Where curation helps the model itself"]
    assert any(text.startswith("Curating p more lowers its own alignment at 3 of 9 points") for text in found.findings)


@pytest.mark.parametrize(
    "scenario",
    [
        alone(*(curated(f"m{n}", diet={"real": "= 1 - lam", "curated": "= lam"}) for n in range(4)), sweep=SQUARE),
        tastes(sweep={"grid": {"lam": [0.5, 0.6], "c": [0, 0.7], "d": [0, 0.3]}}),
    ],
    ids=["too many models", "too many settings"],
)
def test_what_no_figure_of_influence_can_hold_is_told_in_words(scenario: Scenario) -> None:
    found = part(influence, scenario)
    assert found.sections == ()
    assert found.findings[0].startswith("Curating ")


def test_of_many_models_only_their_number_is_told() -> None:
    # Six pairs: each p learns mostly from a q of the other taste, and the more so the more it is curated.
    mixed = {"diet": {"real": "= 1 - lam", "curated": "= lam * (1 - c)", "neighbours_curated": "= lam * c"}}
    firsts = [curated(f"p{n}", **mixed) for n in range(6)]
    seconds = [curated(f"q{n}", reward="second") for n in range(6)]
    edges = [{"from": f"q{n}", "to": f"p{n}"} for n in range(6)]
    found = part(influence, tastes(models=firsts + seconds, network={"edges": edges}))
    assert found.findings[0] == "Curation backfires on the model itself for 6 models (of 12 curated)."
