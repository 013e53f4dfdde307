"""What the explorer says of a run, in sentences whose numbers are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from analysis.explorer import panels
from analysis.explorer.effects import Effects
from analysis.explorer.looking import look, told
from analysis.explorer.portrait import portrait
from analysis.explorer.quantities import called
from analysis.explorer.record import Record, versus
from analysis.explorer.settings import of_model
from analysis.explorer.words import sentences
from ecosystem import Scenario
from ecosystem.world.blueprint import blueprint
from tests.doubles.records import made_up, network, text, view_of

NAN = float("nan")


def said(record: Record, row: int = 1, quantity: str = "alignment") -> str:
    return " ".join(sentences(record, called(quantity, record), row))


@pytest.mark.parametrize(
    ("alignment", "words"),
    [
        ([[0.4, 0.6], [0.4, 0.6]], "the mean alignment of 2 models is 0.5, as at the start; none has moved."),
        ([[0.4, 0.6], [0.6, 0.4]], "the mean alignment of 2 models is 0.5, as at the start; 1 went up, 1 went down."),
        ([[0.4, 0.6, 0.5], [0.3, 0.6, 0.3]], "is 0.4, down 0.1 since the start; 0 went up, 2 went down, 1 stayed."),
        ([[0.4], [0.4]], "Round 1: alignment is 0.4, as at the start."),
        ([[0.4, 0.6], [NAN, NAN]], "There is nothing to show in this round."),
    ],
    ids=["at rest", "in opposite ways", "most lost", "one model", "unknown"],
)
def test_how_models_moved(alignment: Any, words: str) -> None:
    assert words in said(made_up(alignment))


@pytest.mark.parametrize(
    ("distance", "words"),
    [
        ([[0], [0]], "It has a curator."),
        ([[0, 0], [0, 0]], "Every model has a curator."),
        ([[1, 2], [1, 2]], "No model has a curator."),
        ([[0, 1], [0, 1]], "The curated model is at 0.5 on average, the others at 0.6."),
    ],
)
def test_who_has_a_curator(distance: Any, words: str) -> None:
    row = [0.5, 0.6][: len(distance[0])]
    assert words in said(made_up([row, row], distance=distance))


def asked(share: Any, satisfaction: Any, **biases: Any) -> str:
    """What is said of groups of users in round 1, models left aside."""
    record = made_up([[0.5], [0.5]], of_groups={"share": share, "satisfaction": satisfaction}, overall=biases)
    return sentences(record, called("alignment", record), 1)[-1]


def test_users_of_one_group_without_scores_are_counted() -> None:
    assert asked([[1.0], [1.0]], [[0.4], [0.4]]) == "Users come in 1 group."


def test_groups_that_are_served_alike_are_not_told_apart() -> None:
    said = asked([[0.3, 0.7], [0.3, 0.7]], [[0.4, 0.4], [0.4, 0.4]], disparate_bias=[0.0, 0.0])
    assert said == "70% of the users are in the largest group, b; disparate bias is 0."


def test_of_groups_without_a_taste_nobody_is_served_best() -> None:
    said = asked([[0.5, 0.5], [0.8, 0.2]], [[NAN, NAN], [NAN, NAN]])
    assert said == "80% of the users are in the largest group, a (at the start 50%)."


def test_where_all_users_have_left_nobody_is_served() -> None:
    said = asked([[0.5, 0.5], [NAN, NAN]], [[0.7, 0.6], [0.7, 0.6]], preference_bias=[0.1, 0.1])
    assert said == "There are no users in this round."


def test_groups_that_are_served_unlike_keep_their_names() -> None:
    said = asked([[0.5, 0.5], [0.5, 0.5]], [[0.7, 0.6], [0.7, 0.6]], preference_bias=[0.1, 0.1])
    assert "; a is served best and b worst; preference bias is 0.1." in said


def test_of_users_who_came_later_no_share_at_the_start_is_told() -> None:
    said = asked([[NAN, NAN], [0.4, 0.6]], [[0.7, 0.7], [0.7, 0.7]])
    assert said == "60% of the users are in the largest group, b."


def standing(record: Record, model: int = 0, row: int = 1, quantity: str = "alignment") -> str:
    return portrait(record, called(quantity, record), model, row).standing


def test_where_a_model_stands() -> None:
    record = made_up(
        [[0.2, 0.3, 0.4, NAN], [0.5, 0.3, 0.9, NAN]],
        distance=[[0, 1, 3, NAN]] * 2,
        volume=[[10, 20, 30, 40], [500, 250, 1250, 0]],
    )
    assert (
        standing(record, 0, row=0)
        == "Alignment 0.2; number 3 from the top of 3 models. 10 prompts a round, 10% of all."
    )
    assert standing(record, 1) == (
        "Alignment 0.3, 0 since the start; number 3 from the top of 3 models. 1 step from the nearest curated model. "
        "250 prompts a round, 12% of all."
    )
    assert standing(record, 2).startswith("Alignment 0.9, +0.5 since the start; highest of 3 models. 3 steps from")
    assert standing(record, 0, quantity="gain").startswith("Alignment gained +0.3; number 2 from the top")
    assert standing(record, 3) == "Alignment is not known for this model."


def test_a_model_that_no_curated_one_reaches() -> None:
    record = made_up([[0.5, 0.5]] * 2, distance=[[0, NAN]] * 2)
    assert standing(record, 1) == "Alignment 0.5, 0 since the start; highest of 2 models. No curated model reaches it."


def test_of_the_only_model_there_is_no_rank_and_without_curators_no_distance() -> None:
    assert standing(made_up([[0.5], [0.75]], distance=[[NAN]] * 2)) == "Alignment 0.75, +0.25 since the start."
    assert standing(made_up([[0.5], [0.75]])) == "Alignment 0.75, +0.25 since the start."


@pytest.mark.filterwarnings("error")
def test_where_nobody_asks_there_is_no_share_of_all_prompts() -> None:
    record = made_up([[0.5], [0.5]], volume=[[10], [0]])
    assert standing(record) == "Alignment 0.5, 0 since the start. 0 prompts a round."


def test_a_round_without_numbers_is_not_compared_with_the_baseline() -> None:
    now, then = made_up([[0.5, 0.7], [NAN, NAN]]), made_up([[0.4, 0.4], [0.4, 0.4]])
    view = view_of(versus(now, then), then, "lam = 0.5")
    assert "baseline" not in told(look(view, 1, "alignment"))
    assert told(look(view, 0, "alignment")).endswith(
        "Mean alignment is 0.2 higher than in the baseline (lam = 0.5), which is at 0.4."
    )
    same = view_of(versus(then, then), then, "lam = 0.5")
    assert told(look(same, 1)).endswith("Mean alignment is the same as in the baseline (lam = 0.5).")


def test_of_many_models_both_ends_are_named_and_of_few_all() -> None:
    def named(count: int) -> str:
        record = made_up([[number / 100 for number in range(count)]])
        return text(panels.overview(record, called("alignment", record), 0))

    many, few = named(11), named(10)
    highest, lowest = many.split("Highest")[1].split("Lowest")
    assert [f"m{number}" for number in range(11) if f"m{number} " in highest] == ["m6", "m7", "m8", "m9", "m10"]
    assert [f"m{number}" for number in range(11) if f"m{number} " in lowest] == ["m0", "m1", "m2", "m3", "m4"]
    assert highest.index("m10") < highest.index("m6") and lowest.index("m0") < lowest.index("m4")
    assert "Highest" not in few and all(f"m{number} " in few for number in range(10))


@pytest.mark.parametrize(
    ("own", "words"),
    [
        (None, "c has no curator whose part could grow."),
        (0.0, "Curating c more leaves its own alignment as it is."),
        (0.25, "Curating c more raises its own alignment (+0.25)."),
        (-0.25, "Curating c more lowers its own alignment (−0.25). Curation backfires."),
    ],
)
def test_what_curating_the_picked_model_does(own: float | None, words: str) -> None:
    parts = panels.influence("c", Effects(own, (("a", 0.5),), ()))
    assert text(parts[0]) == words
    assert "Curating c more moves a +0.5" in text(parts) and "is moved by curating" not in text(parts)


def test_a_curator_who_sees_one_output_chooses_nothing(small: Scenario) -> None:
    first, *others = small.document.data["models"]
    one = {**first, "curation": {"method": "luce", "candidates": 1}}
    no_reward = {key: value for key, value in others[0].items() if key != "reward"}
    plan = blueprint(Scenario(**{**small.document.data, "models": [one, no_reward, others[1]]}), 0)
    assert of_model(plan, "a").curator == "a curator who sees one output at a time, so chooses nothing"
    assert of_model(plan, "b").reward == "nothing: it has no reward"


def test_models_that_their_users_curate(users: Scenario) -> None:
    data = users.document.data
    (model,) = data["models"]
    curated = {**model, "diet": {"curated": 1}, "curation": {"method": "luce", "candidates": 2, "temperature": 0.5}}
    plan = blueprint(Scenario(**{**data, "models": [curated], "users": {**data["users"], "curate": True}}), 0)
    assert of_model(plan, "m").curator == (
        "whoever uses it, by each group's own taste, keeps one of 2 outputs, better ones more often (temperature 0.5)"
    )


def test_a_community_is_told_by_its_mean_its_curated_and_its_most_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.explorer.placing.MOST_MODELS", 5)
    triangles = network((0, 1), (1, 2), (2, 0), (1, 0), (3, 4), (4, 5), (5, 3), (2, 3))
    row = [0.1, 0.2, 0.6, NAN, NAN, NAN]
    view = view_of(made_up([row], triangles, distance=[[0, 1, 2, 1, 2, 3]]))
    node = int(view.picture.node[0])
    assert view.picture.members(node).tolist() == [0, 1, 2]
    explained = text(panels.texts(look(view, node=node))[1])
    assert "A dot is a community, with its number of models; larger: more models in it." in explained
    assert "dark ring: curated models in it" in explained and "grey: not known" in explained
    about = text(panels.texts(look(view, node=node))[3])
    assert about.startswith(
        "Community of 3 models Mean alignment (expected reward): 0.3. 1 model of it has a curator. Its most read models"
    )
    assert about.index("m1") < about.index("m0")  # read by two, by one
    other = text(panels.texts(look(view, node=1 - node))[3])
    assert other.startswith("Community of 3 models 0 models of it have a curator.")
    assert np.isnan(view.picture.means(np.array(row))[1 - node])
