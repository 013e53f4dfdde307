"""Remedies of other packages where outputs are drawn: what a built-in one keeps, they keep."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from plain.tally import Tally

from ecosystem import Ecosystem, Scenario
from ecosystem.errors import InputError
from ecosystem.plugins import Count, NonNegative, Remedy, load
from ecosystem.plugins.registry import PluginError, Scope, within
from ecosystem.testing import check_remedy


class Best(Remedy, name="best"):
    """The best of k by quality, and by similarity."""

    similar = True
    candidates: Count = 3
    typical: NonNegative = 0.0

    def chances(self, drawn):
        score = drawn.scores["quality"] + self.typical * drawn.similarity
        return torch.nn.functional.one_hot(score.argmax(-1), score.shape[-1]).to(score)


class Weighted(Remedy, name="weighted"):
    """One of two, the likelier the better it is; the same of categorical outputs."""

    candidates: Count = 2

    def chances(self, drawn):
        return torch.softmax(drawn.scores["quality"], dim=-1)

    def filter(self, written):
        p, q = written.outputs, written.scores["quality"].exp()
        return 2 * p * (p[..., None, :] * (q[..., :, None] / (q[..., :, None] + q[..., None, :]))).sum(-1)


class Exact(Remedy, name="exact"):
    def filter(self, written):
        return written.outputs


class Flat(Remedy, name="flat"):
    candidates: Count = 2

    def chances(self, drawn):
        return drawn.scores["quality"].sum(-1)


SCOPE = Scope(
    {("remedies", cls.plugin_name): cls for cls in (Best, Weighted, Exact, Flat)} | {("crafts", "tally"): Tally}
)


@pytest.fixture(autouse=True)
def _known() -> Iterator[None]:
    with within(SCOPE):
        yield


def tallied(remedy: Any, curation: Any = None, outputs: Any = None, **changes: Any) -> Scenario:
    judged = {"quality": {"judge": "values", "values": [0.3, 0, 1]}, "lean": {"judge": "values", "values": [1, 0, 0]}}
    drawn = {"kind": "tally", "size": 3, "real": [0.5, 0.3, 0.2], "contexts": 2, "scores": judged}
    return Scenario(
        **{
            "name": "tallied",
            "rounds": 3,
            "mode": "sampled",
            "outputs": outputs or drawn,
            "rewards": {"high": {"judge": "values", "values": [0, 1, 3]}},
            "models": [
                {"name": name, "reward": "high", "diet": {"raw": 0.5, "curated": 0.5}, "curation": curation}
                for name in ("p", "q")
            ],
            "remedy": remedy,
            "learning": {"examples": 4000},
        }
        | changes
    )


CHOSEN = {"method": "best_of", "candidates": 2}


def after(scenario: Scenario) -> Ecosystem:
    model = Ecosystem(scenario)
    for _ in range(2):
        model.step()
    return model


@pytest.mark.parametrize("similarity", [0, 0.7])
def test_the_best_of_several_is_that_of_the_remedy_that_comes_along(similarity: float) -> None:
    own = {"method": "best_of_k", "candidates": 3, "similarity": similarity}
    one = after(tallied(own, CHOSEN))
    other = after(tallied({"method": "best", "candidates": 3, "typical": similarity}, CHOSEN))
    assert torch.equal(one.state.p, other.state.p)
    assert float((other.state.p - after(tallied(None, CHOSEN)).state.p).abs().max()) > 0.05


def test_what_is_left_is_drawn_by_its_chances() -> None:
    """By one round of a model that reads what is left of its own outputs, against the law of categorical ones."""
    changes = {"models": [{"name": "m", "diet": {"raw": 1}}], "learning": {"examples": 40_000}}
    model = Ecosystem(tallied({"method": "weighted"}, **changes))
    model.step()
    p, q = torch.tensor([0.5, 0.3, 0.2]).double(), torch.tensor([0.3, 0, 1]).double().exp()
    expected = 2 * p * (p * (q[:, None] / (q[:, None] + q))).sum(-1)
    quality = float((expected * torch.tensor([0.3, 0, 1])).sum())
    # A row is (1, judges, their squares, measures); the judges are `high`, then `quality`.
    assert model.state.p[0, 0, :, 2].mean().item() == pytest.approx(quality, abs=0.012)
    assert abs(quality - 0.35) > 0.05


def test_they_keep_to_the_laws() -> None:
    check_remedy(Best, candidates=4, typical=0.3)
    check_remedy(Weighted)


class Twice(Weighted, name="twice"):
    def filter(self, written):
        p = written.outputs
        weighted = p * written.scores["quality"].exp()
        return weighted / weighted.sum(-1, keepdim=True)


class Half(Weighted, name="half"):
    def chances(self, drawn):
        return super().chances(drawn) / 2


class Crowded(Weighted, name="crowded"):
    def chances(self, drawn):
        return torch.softmax(drawn.scores["quality"] * len(drawn.scores["quality"]), dim=-1)


class Spoiling(Weighted, name="spoiling"):
    def chances(self, drawn):
        return torch.softmax(drawn.scores["quality"].neg_(), dim=-1)


@pytest.mark.parametrize(
    ("told", "remedy"),
    [
        ("filter must be what chances come to, of 2 candidates", Twice),
        ("the chances of candidates must sum to 1", Half),
        ("a choice must have the same bits", Crowded),
        ("must not be changed in place", Spoiling),
        (r"chances of candidates must be float64 \[16, 2\] \(got float64 \[16\]\)", Flat),
    ],
)
def test_a_wrong_remedy(told: str, remedy: type[Remedy]) -> None:
    with pytest.raises(AssertionError, match=told):
        check_remedy(remedy)


CATEGORICAL = {"kind": "categorical", "size": 3, "scores": {"quality": [0, 0.5, 1]}}


@pytest.mark.parametrize(
    ("remedy", "outputs", "told"),
    [
        ("exact", None, "'exact' is a plug-in without `chances`, so that it filters categorical outputs only"),
        ("best", CATEGORICAL, "'best' is a plug-in without `filter`, so that it filters outputs that are drawn only"),
        ("exact", {"kind": "gaussian", "dimension": 1}, "'exact' is a plug-in, which does not filter Gaussian outputs"),
    ],
)
def test_who_cannot_filter_is_told_of(remedy: str, outputs: Any, told: str) -> None:
    models = [{"name": "m", "diet": {"raw": 1}}]
    rewards = {} if outputs else {"high": {"judge": "values", "values": [0, 1, 3]}}
    with pytest.raises(InputError) as caught:
        tallied({"method": remedy}, outputs=outputs, models=models, rewards=rewards)
    assert told in str(caught.value)


def test_chances_of_another_shape_are_told_of() -> None:
    with pytest.raises(PluginError, match=r"remedy flat: chances must be float64 \[\d+, 2\] \(got float64 \[\d+\]\)"):
        after(tallied({"method": "flat"}, CHOSEN))


@pytest.mark.parametrize(
    ("body", "told"),
    [("pass", "without filter or chances"), ("chances = lambda self, drawn: 1", "without a field candidates")],
)
def test_a_remedy_has_one_of_both(body: str, told: str, tmp_path: Any) -> None:
    file = tmp_path / "idle.py"
    file.write_text(f"from ecosystem.plugins import Remedy\nclass Idle(Remedy, name='idle'):\n    {body}\n")
    with pytest.raises(PluginError, match=told):
        load(file)


def test_worlds_have_the_same_bits_in_any_batch() -> None:
    from ecosystem.world.blueprint import blueprint

    plans = [blueprint(tallied({"method": "weighted"}, CHOSEN), seed) for seed in (3, 5)]
    together = Ecosystem.together(plans)
    together.step()
    for number, plan in enumerate(plans):
        alone = Ecosystem.together([plan])
        alone.step()
        assert torch.equal(together.state.p[number], alone.state.p[0])
