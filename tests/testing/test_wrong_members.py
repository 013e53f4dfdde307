"""Each law catches who breaks it: a member that is wrong on purpose, one for each."""

from __future__ import annotations

import random
from typing import Any

import networkx as nx
import pytest
import torch
from plain.tally import Tally

from ecosystem.errors import EcosystemError
from ecosystem.plugins import (
    ChoiceRule,
    Curator,
    FeedbackRule,
    Judge,
    Learner,
    NetworkGenerator,
    Remedy,
    mean_and_covariance,
    moments_of,
)
from ecosystem.plugins.plugin import Plugin
from ecosystem.testing import (
    check_choice,
    check_craft,
    check_curator,
    check_feedback,
    check_judge,
    check_learner,
    check_network,
    check_remedy,
)

TALLY = {"kind": "tally", "size": 3, "real": [0.5, 0.3, 0.2], "contexts": 2}
VALUES = {"judge": "values", "values": [1, 0, 0.5]}


def tilted(p: torch.Tensor, rho: torch.Tensor) -> torch.Tensor:
    """What infinitely many candidates lead to."""
    weight = p * rho.exp()
    return weight / weight.sum(-1, keepdim=True)


def member(base: type[Plugin], method: str, does: Any, **more: Any) -> type[Plugin]:
    """Return a plug-in that does so."""

    class Member(base, name="member"):  # type: ignore[misc, valid-type]
        pass

    setattr(Member, method, lambda self, *given: does(*given))
    Member.__abstractmethods__ = frozenset()
    for name, value in more.items():
        setattr(Member, name, value)
    return Member


def best_of_two(p: torch.Tensor, rho: torch.Tensor) -> torch.Tensor:
    """The better of two, of equals the one that is numbered first."""
    order = rho.argsort(dim=-1, descending=True, stable=True).expand_as(p)
    up_to = (1 - (1 - p.gather(-1, order).cumsum(-1)).square()).diff(dim=-1, prepend=torch.zeros_like(p[..., :1]))
    return up_to.clamp_min(0).gather(-1, order.argsort(-1))


def in_place(p: torch.Tensor, rho: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
    p[..., 0] += 0.1
    return tilted(p, rho)


def tiny(kept: torch.Tensor, least: float) -> torch.Tensor:
    """0 / 0 where the least number is none in single precision."""
    return kept * torch.full_like(kept, least) / torch.full_like(kept, least)


CURATORS: list[tuple[str, Any]] = [
    ("must sum to 1", lambda p, rho, k: 0.9 * tilted(p, rho)),
    ("must not be negative", lambda p, rho, k: 2 * tilted(p, rho) - tilted(p, 9 * rho)),
    ("nothing may be kept of an output that is not written", lambda p, rho, k: torch.softmax(rho.expand_as(p), -1)),
    ("permuting outputs must permute", lambda p, rho, k: tilted(p, rho + torch.arange(p.shape[-1]) / 5)),
    ("where rewards tie, too", lambda p, rho, k: best_of_two(p, rho)),
    ("a world must have the same bits", lambda p, rho, k: tilted(p, rho * (1 + len(p) / 10))),
    ("a model must have the same bits", lambda p, rho, k: tilted(p, rho * (1 + p.shape[2] / 10))),
    ("what is kept must be differentiable", lambda p, rho, k: tilted(p.detach(), rho)),
    ("something in every row", lambda p, rho, k: torch.zeros_like(p).scatter(-1, rho.argmax(-1, keepdim=True), 1.0)),
    (r"float32 gave no number.*torch\.finfo\(p\.dtype\)\.tiny", lambda p, rho, k: tiny(tilted(p, rho), 1e-300)),
    ("keep leaves p, rho, candidates", lambda p, rho, k: p.mul_(1) * rho.exp()),
    ("keep leaves p, rho, candidates", lambda p, rho, k: tilted(p, rho.mul_(1))),
    ("must not raise.*RuntimeError", lambda p, rho, k: p @ p),
    ("the derivative must be", lambda p, rho, k: tilted(p.detach(), rho) + 0 * p),
    ("must not be changed in place", in_place),
]


@pytest.mark.parametrize(("told", "keep"), CURATORS, ids=range(len(CURATORS)))
def test_a_wrong_curator(told: str, keep: Any) -> None:
    with pytest.raises(AssertionError, match=told):
        check_curator(member(Curator, "keep", keep))


def test_a_curator_of_another_precision_or_shape() -> None:
    for wrong, told in (  # what the engine says of it
        (torch.Tensor.double, r"must return float32 \[1, 1, 3, 5\] \(got float64"),
        (torch.sum, "float64 \\[\\]"),
    ):
        with pytest.raises(AssertionError, match=told):
            check_curator(member(Curator, "keep", lambda p, rho, k, wrong=wrong: wrong(tilted(p, rho))))


@pytest.mark.parametrize(
    ("base", "check", "method", "told"),
    [
        (Curator, check_curator, "keep", "keep must take p, rho, candidates, in this order"),
        (Learner, check_learner, "learn", "learn must take training"),
        (FeedbackRule, check_feedback, "respond", "respond must take activity, served, group"),
        (ChoiceRule, check_choice, "choose", "choose must take choice, experience, best"),
        (NetworkGenerator, check_network, "graph", "graph must take nodes, seed"),
        (Remedy, check_remedy, "filter", "filter must take written"),
    ],
)
def test_a_method_that_takes_something_else(base: type[Plugin], check: Any, method: str, told: str) -> None:
    wrong = member(base, method, None)
    setattr(wrong, method, lambda self: None)
    with pytest.raises(AssertionError, match=told) as found:
        check(wrong)
    assert isinstance(found.value.__cause__, TypeError)


def test_what_a_member_raises_is_chained_and_its_place_is_told() -> None:
    def keep(p: torch.Tensor, rho: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
        raise KeyError("mine")

    with pytest.raises(AssertionError, match=r"member, line \d+ of .*test_wrong_members\.py, must not raise") as found:
        check_curator(member(Curator, "keep", keep))
    assert isinstance(found.value.__cause__, KeyError)


def test_what_is_no_plugin_s_is_raised_as_it_is() -> None:
    with pytest.raises(TypeError):
        check_network({"generator": "ring", "k": 2}, nodes=3)  # type: ignore[arg-type]


def test_a_right_curator() -> None:
    check_curator(member(Curator, "keep", lambda p, rho, k: tilted(p, rho)))


def first_good(rho: torch.Tensor) -> torch.Tensor:
    good = torch.cat([rho[:, :-1] > 0, torch.ones_like(rho[:, :1]).bool()], -1)
    return (good & (good.cumsum(-1) == 1)).to(rho)


def emptied(rho: torch.Tensor) -> torch.Tensor:
    likely = first_good(rho)
    rho.zero_()
    return likely


CHANCES: list[tuple[str, Any]] = [
    ("the chances of candidates must sum to 1", lambda rho: first_good(rho) / 2),
    ("the chances of candidates must not be negative", lambda rho: 2 * first_good(rho) - 1 / rho.shape[-1]),
    ("rewards of candidates must not be changed in place", emptied),
    ("a choice must have the same bits", lambda rho: torch.softmax(rho * len(rho), -1)),
    ("finite", lambda rho: first_good(rho) / 0),
]


@pytest.mark.parametrize(("told", "chances"), CHANCES)
def test_a_curator_with_wrong_chances(told: str, chances: Any) -> None:
    with pytest.raises(AssertionError, match=told):
        check_curator(member(Curator, "chances", chances), candidates=4)


def test_a_curator_whose_chances_are_another_choice() -> None:
    luce = member(Curator, "keep", lambda p, rho, k: tilted(p, rho))  # of infinitely many candidates
    luce.chances = lambda self, rho: torch.softmax(rho, -1)  # type: ignore[attr-defined]
    with pytest.raises(AssertionError, match="keep must be what chances come to, of 2 candidates"):
        check_curator(luce)


def test_a_curator_with_right_chances() -> None:
    check_curator(member(Curator, "chances", first_good), candidates=4)


def one_by_one(activity: torch.Tensor, served: Any, group: int) -> torch.Tensor:
    return torch.minimum(activity, activity.new_tensor(3.0))


RULES: list[tuple[str, Any, dict[str, Any]]] = [
    ("not below 0", lambda a, served, g: a - 500, {}),
    ("must be kept", lambda a, served, g: a * served.satisfaction, {"keeps_total": True}),
    ("permuting groups", lambda a, served, g: a * (1 + torch.arange(a.shape[-1]) / 10), {}),
    ("counted one by one", one_by_one, {}),
    ("the same bits", lambda a, served, g: a * (1 + len(a) / 10), {}),
]


@pytest.mark.parametrize(("told", "respond", "more"), RULES, ids=[told for told, *_ in RULES])
def test_a_wrong_rule_of_feedback(told: str, respond: Any, more: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match=told):
        check_feedback(member(FeedbackRule, "respond", respond, **more))


def test_a_right_rule_of_feedback() -> None:
    check_feedback(member(FeedbackRule, "respond", lambda a, served, g: a * served.satisfaction.exp()))


CHOICES: list[tuple[str, Any]] = [
    ("must not be negative", lambda a, experience, best: experience - 0.99 * experience.amax(-1, keepdim=True)),
    ("permuting models", lambda a, experience, best: a * (1 + torch.arange(a.shape[-1]))),
    ("the same bits", lambda a, experience, best: experience + len(a)),
]


@pytest.mark.parametrize(("told", "choose"), CHOICES, ids=[told for told, _ in CHOICES])
def test_a_wrong_way_to_choose(told: str, choose: Any) -> None:
    with pytest.raises(AssertionError, match=told):
        check_choice(member(ChoiceRule, "choose", choose))


def test_a_right_way_to_choose() -> None:
    check_choice(member(ChoiceRule, "choose", lambda a, experience, best: a * (2 * experience).exp()))


def lucky(nodes: int, seed: int) -> nx.Graph:
    del seed
    return nx.gnp_random_graph(nodes, 0.5, seed=random.SystemRandom().randrange(2**32))


def moving(nodes: int, seed: int) -> nx.Graph:
    random.seed(seed)
    return nx.path_graph(nodes)


def of_debts(nodes: int, seed: int) -> nx.Graph:
    graph = nx.path_graph(nodes)
    nx.set_edge_attributes(graph, -1.0, "weight")
    return graph


NETWORKS: list[tuple[str, Any]] = [
    ("global random numbers", moving),
    ("the same seed must draw the same edges", lucky),
]


@pytest.mark.parametrize(("told", "graph"), NETWORKS, ids=[told for told, _ in NETWORKS])
def test_a_wrong_network(told: str, graph: Any) -> None:
    with pytest.raises(AssertionError, match=told):
        check_network(member(NetworkGenerator, "graph", graph))


@pytest.mark.parametrize(
    ("told", "graph"),
    [("made 7 nodes, but there are 6", lambda n, seed: nx.path_graph(n + 1)), ("a number above 0", of_debts)],
)
def test_a_network_that_the_engine_refuses(told: str, graph: Any) -> None:
    with pytest.raises(EcosystemError, match=told):
        check_network(member(NetworkGenerator, "graph", graph))


def test_a_right_network() -> None:
    check_network(member(NetworkGenerator, "graph", lambda n, seed: nx.gnp_random_graph(n, 0.5, seed=seed)))


def squared(written: Any) -> torch.Tensor:
    kept = written.outputs * (1 + written.scores["quality"])
    return kept / kept.sum(-1, keepdim=True)


REMEDIES: list[tuple[str, Any]] = [
    ("must sum to 1", lambda written: written.outputs / 2),
    ("nothing may be learned", lambda written: torch.full_like(written.outputs, 1 / written.outputs.shape[-1])),
    ("permuting outputs", lambda written: tilted(written.outputs, torch.arange(written.outputs.shape[-1]) / 5)),
    ("the same bits", lambda written: tilted(written.outputs, written.scores["quality"] * len(written.outputs))),
]


@pytest.mark.parametrize(("told", "does"), REMEDIES, ids=[told for told, _ in REMEDIES])
def test_a_wrong_remedy(told: str, does: Any) -> None:
    with pytest.raises(AssertionError, match=told):
        check_remedy(member(Remedy, "filter", does))


def test_a_right_remedy() -> None:
    check_remedy(member(Remedy, "filter", squared))


def mixed(t: Any, rate: Any = None) -> torch.Tensor:
    rate = t.rate if rate is None else rate
    return (1 - rate) * t.start + rate * t.data


def spoiling(t: Any) -> torch.Tensor:
    learned = mixed(t)
    t.first[..., 0] += 0.1
    return learned


def geometric(t: Any) -> torch.Tensor:
    return torch.softmax((1 - t.rate) * t.start.log() + t.rate * t.data.log(), -1)


def narrow(t: Any) -> torch.Tensor:
    mean, covariance = mean_and_covariance(mixed(t))
    return moments_of(mean, covariance - 0.9 * covariance.diagonal(dim1=-2, dim2=-1).mean() * torch.eye(2))


def skew(t: Any) -> torch.Tensor:
    mean, covariance = mean_and_covariance(mixed(t))
    return moments_of(mean, covariance.triu())


CATEGORICAL: list[tuple[str, Any, dict[str, Any]]] = [
    ("must sum to 1", lambda t: 0.9 * mixed(t), {}),
    ("must not be negative", lambda t: 2 * mixed(t) - t.start, {}),
    ("must be finite", lambda t: geometric(t) + 0 * t.data.log(), {}),
    (r"must not be changed in place \(first was\)", spoiling, {}),
    ("the same training must lead to the same", lambda t: mixed(t, t.rate * torch.rand(1, dtype=torch.float64)), {}),
    (
        "permuting models must permute",
        lambda t: mixed(t, t.rate * torch.arange(t.rate.shape[1])[:, None, None] / 4),
        {},
    ),
    ("a model must have the same bits", lambda t: mixed(t, t.rate / t.start.shape[1]), {}),
    ("a world must have the same bits", lambda t: mixed(t, t.rate / len(t.start)), {}),
    ("the derivative must be", lambda t: mixed(t).detach() + 0 * t.data, {}),
    ("differentiable = False", lambda t: mixed(t).detach(), {}),
    ("learns must name kinds of outputs", mixed, {"learns": "categorical"}),
    ("learns must name kinds of outputs", mixed, {"learns": ("images",)}),
]
GAUSSIAN: list[tuple[str, Any]] = [
    ("the first of a row's moments must be 1", lambda t: 0.9 * mixed(t)),
    ("must have no variance below 0", narrow),
    ("must be symmetric", skew),
    ("must be finite", lambda t: mixed(t) / 0),
]


@pytest.mark.parametrize(("told", "learn", "more"), CATEGORICAL)
def test_a_wrong_learner(told: str, learn: Any, more: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match=told):
        check_learner(member(Learner, "learn", learn, **more))


@pytest.mark.parametrize(("told", "learn"), GAUSSIAN)
def test_a_wrong_learner_of_normal_laws(told: str, learn: Any) -> None:
    with pytest.raises(AssertionError, match=told):
        check_learner(member(Learner, "learn", learn, learns=("gaussian",)), outputs=2)


def test_a_learner_of_another_precision() -> None:
    with pytest.raises(AssertionError, match=r"must return float32 \[1, 3, 2, 5\] \(got float64"):
        check_learner(member(Learner, "learn", lambda t: mixed(t).double()))


def test_right_learners() -> None:
    check_learner(member(Learner, "learn", mixed, learns=("categorical", "gaussian")), outputs=3)
    sharp = member(Learner, "learn", lambda t: torch.softmax(1e3 * t.data, -1).detach(), differentiable=False)
    check_learner(sharp)


JUDGES: list[tuple[str, Any, dict[str, Any]]] = [
    ("must be finite", lambda items, context: items[..., 0].double().log(), {}),
    ("must not depend on the others", lambda items, context: items[..., 0] - items[..., 0].double().mean(), {}),
    ("the same each time", lambda items, context: torch.rand(context.shape), {}),
    ("above the largest", lambda items, context: items[..., 0].double(), {"top": 0.5}),
    ("must not be changed in place", lambda items, context: items.mul_(2)[..., 0].double(), {}),
]


@pytest.mark.parametrize(("told", "values", "more"), JUDGES, ids=[told for told, *_ in JUDGES])
def test_a_wrong_judge(told: str, values: Any, more: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match=told):
        check_judge(member(Judge, "values", values, **more), TALLY, craft=Tally)


def test_a_right_judge() -> None:
    check_judge(member(Judge, "values", lambda items, context: items[..., 0].double()), TALLY, craft=Tally)


class Untyped(Tally, name="tally"):
    dtype = torch.float32


class Forgetful(Tally, name="tally"):
    def similarity(self, items, context):
        return super().similarity(items, context) + 1


class Crowded(Tally, name="tally"):
    def write(self, weights, round_, lots, candidates):
        return super().write(weights, round_ + candidates, lots, candidates)


class Mixed(Tally, name="tally"):
    def train(self, weights, first, lessons, round_):
        after, loss = super().train(weights, first, lessons, round_)
        return {name: tensor.mean(0, keepdim=True).expand_as(tensor) for name, tensor in after.items()}, loss


class Spoiling(Tally, name="tally"):
    def train(self, weights, first, lessons, round_):
        after, loss = super().train(weights, first, lessons, round_)
        weights["shares"].mul_(0.5)
        return after, loss


class Unmeasured(Tally, name="tally"):
    measures = ("richness", "depth")


@pytest.mark.parametrize(
    ("told", "craft"),
    [
        ("items must be of type", Untyped),
        ("similarity must be from 0 to 1", Forgetful),
        ("a further candidate must leave", Crowded),
        ("a world must have the same bits", Mixed),
        ("must not change in place", Spoiling),
        ("what is measured must be", Unmeasured),
    ],
)
def test_a_wrong_craft(told: str, craft: type[Tally]) -> None:
    with pytest.raises(AssertionError, match=told):
        check_craft(TALLY, {"it": VALUES}, craft=craft)
