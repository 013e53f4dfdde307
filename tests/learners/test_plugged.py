"""Learners of other packages: one that mixes is the one that comes along, one that does not has its closed form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import ecosystem
from ecosystem import Ecosystem, Scenario
from ecosystem.errors import EcosystemError, InputError
from ecosystem.plan.identity import run_id
from ecosystem.plugins import Learner, Number, Positive, mean_and_covariance, moments_of
from ecosystem.plugins.registry import PluginError, Scope, within
from ecosystem.world.blueprint import blueprint


class Mix(Learner, name="mix"):
    """What comes along, as a plug-in."""

    learns = ("categorical", "gaussian")

    def learn(self, training):
        return (1 - training.rate) * training.start + training.rate * training.data


class Mirror(Learner, name="mirror"):
    """p⁺ ∝ S^(1 − η) D^(η · sharpness)."""

    sharpness: Positive = 1.0

    def learn(self, training):
        eta = training.rate
        logs = torch.xlogy(1 - eta, training.start) + torch.xlogy(self.sharpness * eta, training.data)
        return torch.softmax(logs, dim=-1)


class Precise(Learner, name="precise"):
    """Natural parameters of normal laws mix: precisions, and means times precisions."""

    learns = ("gaussian",)

    def learn(self, training):
        (a, s), (b, d) = mean_and_covariance(training.start), mean_and_covariance(training.data)
        eta = training.rate[..., None]
        s, d = (1 - eta) * torch.linalg.inv(s), eta * torch.linalg.inv(d)
        covariance = torch.linalg.inv(s + d)
        shifted = s @ a[..., None] + d @ b[..., None]
        return moments_of((covariance @ shifted)[..., 0], 0.5 * (covariance + covariance.mT))


class Top(Learner, name="top"):
    """Learns the likeliest output of what it reads, for good."""

    differentiable = False

    def learn(self, training):
        return torch.nn.functional.one_hot(training.data.argmax(-1), training.data.shape[-1]).to(training.data)


class Broken(Learner, name="broken"):
    how: str = "shape"
    scale: Number = 1.0

    def learn(self, training):
        return training.data.detach() if self.how == "detached" else training.data.sum(-1)


SCOPE = Scope({("learners", cls.plugin_name): cls for cls in (Mix, Mirror, Precise, Top, Broken)})


@pytest.fixture(autouse=True)
def _known() -> Iterator[None]:
    with within(SCOPE):
        yield


def written(kind: str = "categorical", **changes: Any) -> Scenario:
    """Return three models that read one another, with two contexts, of which one is curated."""
    rows: list[Any] = np.random.default_rng(3).dirichlet(np.ones(4), size=(3, 2)).tolist()
    outputs: dict[str, Any] = {"kind": "categorical", "size": 4, "contexts": 2}
    rewards: dict[str, Any] = {"first": [1, 0, 0.2, 0.5]}
    if kind == "gaussian":
        rows = [[{"mean": [row[0], row[1]], "covariance": 0.5 + row[2]} for row in model] for model in rows]
        outputs = {"kind": "gaussian", "dimension": 2, "contexts": 2}
        rewards = {"first": {"linear": [1, -0.5], "curvature": 0.3}}
    diet = {"real": 0.4, "raw": 0.1, "curated": 0.2, "neighbours_raw": 0.3}
    curation = {"candidates": float("inf"), "temperature": 2}
    learning = {"rate": 0.6, "regime": "incremental", "sharing": 0.2} | changes.pop("learning", {})
    return Scenario(
        **{
            "name": "learners",
            "rounds": 4,
            "outputs": outputs,
            "rewards": rewards,
            "real": rows[0],
            "models": [
                {"name": f"m{n}", "initial": rows[n], "reward": "first", "diet": diet, "curation": curation}
                for n in range(3)
            ],
            "network": {"generator": "cycle"},
            "learning": learning,
        }
        | changes
    )


def after(scenario: Scenario, rounds: int = 4) -> torch.Tensor:
    model = Ecosystem(scenario)
    for _ in range(rounds):
        model.step()
    return model.state.p[0]


USERS = {"groups": [{"name": "A", "size": 10, "contexts": {0: 3, 1: 1}, "models": ["m0", "m1"]}]}
SETTINGS: dict[str, dict[str, Any]] = {
    "incremental": {},
    "retrained": {"learning": {"regime": "retrain"}},
    "from nothing": {"learning": {"regime": "retrain", "rate": 1.0}},
    "accumulated": {"learning": {"corpus": "accumulate"}},
    "window": {"learning": {"corpus": {"window": 2}}},
    "one after another": {"learning": {"order": "sequential"}},
    "users": {"users": USERS},
    "sampled": {"mode": "sampled", "learning": {"examples": 50}},
    "few examples": {"mode": "sampled", "learning": {"examples": 2, "corpus": "accumulate"}},
    "few examples from nothing": {"mode": "sampled", "learning": {"examples": 2, "rate": 1.0, "regime": "retrain"}},
}
OF_ONE_KIND: dict[str, tuple[str, dict[str, Any]]] = {
    "smoothed": ("categorical", {"mode": "sampled", "learning": {"examples": 5, "smoothing": 0.3}}),
    "pools": ("categorical", {"mode": "sampled", "learning": {"examples": 5, "pool": 3}}),
    "covariance held": ("gaussian", {"learning": {"covariance": "fixed"}}),
}
OF_BOTH = {
    f"{name}, {kind}": (kind, settings) for name, settings in SETTINGS.items() for kind in ("categorical", "gaussian")
}
CASES = OF_BOTH | OF_ONE_KIND


@pytest.mark.parametrize(("kind", "settings"), CASES.values(), ids=CASES)
def test_a_learner_that_mixes_is_the_one_that_comes_along(kind: str, settings: dict[str, Any]) -> None:
    learning = settings.get("learning", {})
    own = after(written(kind, **settings))
    named = after(written(kind, **settings | {"learning": learning | {"learner": kind}}))
    assert torch.equal(own, named)
    mixed = after(written(kind, **settings | {"learning": learning | {"learner": "mix"}}))
    assert float((own - mixed).abs().max()) < 1e-12


@pytest.mark.parametrize("sharpness", [1.0, 1.5])
def test_mirror_descent_on_real_data_has_its_closed_form(sharpness: float) -> None:
    block = {"method": "mirror", "sharpness": sharpness}
    rows = np.random.default_rng(0).dirichlet(np.ones(4), size=2)
    model = {"name": "m", "initial": rows[0].tolist(), "real": rows[1].tolist(), "diet": {"real": 1}}
    learning = {"learner": block, "rate": 0.3, "regime": "incremental"}
    outputs = {"kind": "categorical", "size": 4}
    p = after(Scenario(name="x", rounds=5, outputs=outputs, models=[model], learning=learning), 5)
    # log p_t = (1 − η)^t log p_0 + (1 − (1 − η)^t) · sharpness · log D, up to a constant.
    left = 0.7**5
    expected = np.exp(left * np.log(rows[0]) + (1 - left) * sharpness * np.log(rows[1]))
    assert p[0, 0].numpy() == pytest.approx(expected / expected.sum(), abs=1e-14)


def test_natural_parameters_of_normal_laws_have_their_closed_form() -> None:
    start, real = {"mean": [1.0], "covariance": 4.0}, {"mean": [3.0], "covariance": 0.5}
    model = {"name": "m", "initial": start, "real": real, "diet": {"real": 1}}
    learning = {"learner": "precise", "rate": 0.25, "regime": "incremental"}
    p = after(
        Scenario(name="x", rounds=1, outputs={"kind": "gaussian", "dimension": 1}, models=[model], learning=learning),
        1,
    )
    precision = 0.75 / 4 + 0.25 / 0.5
    mean = (0.75 * 1 / 4 + 0.25 * 3 / 0.5) / precision
    assert p[0, 0].tolist() == pytest.approx([1, mean, 1 / precision + mean**2], abs=1e-14)


def influence(lever: str = "curation", round: int | None = None, **changes: Any) -> pd.DataFrame:
    return ecosystem.influence(written(**changes), lever=lever, round=round)


@pytest.mark.parametrize("lever", ["curation", "raw", "temperature", "edges", "parameter:learning.rate"])
@pytest.mark.parametrize("order", ["synchronous", "sequential"])
def test_influence_of_a_learner_that_mixes_is_that_of_the_one_that_comes_along(lever: str, order: str) -> None:
    learning = {"order": order, "regime": "retrain"}
    own, mixed = (influence(lever, learning=learning | more) for more in ({}, {"learner": "mix"}))
    assert np.abs(own).to_numpy().max() > 1e-4
    assert np.abs(own - mixed).to_numpy().max() < 1e-8


def test_influence_of_mirror_descent_is_that_of_runs_compared() -> None:
    learning = {"learner": {"method": "mirror", "sharpness": 0.8}, "regime": "retrain"}
    found = influence("parameter:learning.learner.sharpness", learning=learning)
    by_round = influence("parameter:learning.learner.sharpness", round=60, learning=learning)
    step = 1e-4

    def alignment(sharpness: float) -> np.ndarray:
        changed = {"method": "mirror", "sharpness": sharpness}
        model = Ecosystem(written(learning=learning | {"learner": changed}))
        for _ in range(60):
            model.step()
        return model.measure("alignment")[0].numpy()

    slope = (alignment(0.8 + step) - alignment(0.8 - step)) / (2 * step)
    assert np.abs(slope).max() > 1e-2
    assert found.to_numpy()[:, 0] == pytest.approx(slope, abs=1e-7)
    assert by_round.to_numpy()[:, 0] == pytest.approx(slope, abs=1e-7)


def test_a_learner_without_a_derivative_is_refused_where_one_is_needed() -> None:
    with pytest.raises(EcosystemError, match=r"learning\.learner: top says that it has no derivative"):
        influence(learning={"learner": "top"})
    assert set(after(written(learning={"learner": "top"})).flatten().tolist()) == {0.0, 1.0}
    with pytest.raises(PluginError, match="broken: autograd does not go through it"):
        influence(learning={"learner": {"method": "broken", "how": "detached"}})


def test_a_derivative_that_is_not_finite_is_told() -> None:
    rows = [[0.5, 0, 0.25, 0.25]] * 2
    models = [{"name": "m", "initial": rows, "reward": "first", "diet": {"real": 0.5, "raw": 0.5}}]
    with pytest.raises(EcosystemError, match="no finite derivative at this state"):
        influence("raw", real=rows, models=models, network={"edges": []}, learning={"learner": "mirror"})


def test_what_knows_models_alone_says_so() -> None:
    from ecosystem.influence.rounds import Round

    with pytest.raises(EcosystemError, match=r"learning\.learner: this knows no plug-ins"):
        Round(written(learning={"learner": "mix"}))


def test_a_learner_that_gives_no_rows_is_told_of() -> None:
    with pytest.raises(PluginError, match=r"learner broken: must return float64 \[1, 3, 2, 4\] \(got float64"):
        after(written(learning={"learner": {"method": "broken"}}))


@pytest.mark.parametrize(
    ("kind", "learner", "told"),
    [
        ("categorical", "miror", "learning.learner: there is no learner 'miror'; did you mean 'mirror'"),
        ("categorical", "gaussian", "learning.learner: 'gaussian' learns gaussian outputs, not categorical ones"),
        ("categorical", {"method": "precise"}, "learning.learner.method: 'precise' learns gaussian outputs, not cat"),
        ("gaussian", "mirror", "learning.learner: 'mirror' learns categorical outputs, not gaussian ones"),
        ("categorical", {"method": "mirror", "sharp": 1}, "learning.learner.sharp: unknown key; did you mean 'sharpn"),
        ("categorical", {"method": "mirror", "sharpness": 0}, "learning.learner.sharpness: must be more than 0"),
        ("categorical", {"method": "mix", "sharpness": 1}, "learning.learner.sharpness: unknown key"),
        ("categorical", {"method": "categorical", "x": 1}, "learning.learner.x: unknown key"),
        ("categorical", {"sharpness": 1}, "learning.learner.method: is missing"),
    ],
)
def test_what_is_wrong_is_told(kind: str, learner: Any, told: str) -> None:
    with pytest.raises(InputError) as caught:
        written(kind, learning={"learner": learner})
    assert told in str(caught.value)


def test_models_that_are_really_trained_have_no_such_learner() -> None:
    with pytest.raises(InputError, match=r"learning\.learner: does not apply to models that are really trained"):
        Scenario(
            name="x",
            rounds=1,
            mode="sampled",
            outputs={"kind": "images"},
            rewards={"red": {"judge": "hue", "target": 0}},
            models=[{"name": "m", "diet": {"raw": 1}}],
            learning={"examples": 10, "learner": {"method": "mirror"}},
        )


def test_a_name_is_a_block_without_settings() -> None:
    one, other = (written(learning={"learner": each}) for each in ("mirror", {"method": "mirror"}))
    assert one.settings()["learning"]["learner"] == {"method": "mirror", "sharpness": 1.0}
    assert run_id(one, 0) == run_id(other, 0)
    assert run_id(one, 0) != run_id(one.with_({"learning.learner": {"method": "mirror", "sharpness": 2}}), 0)
    assert Scenario(**one.settings()).settings() == one.settings()


def test_runs_with_other_settings_of_a_learner_are_not_computed_together() -> None:
    plans = [
        blueprint(written(learning={"learner": each}), 0)
        for each in ("mirror", {"method": "mirror", "sharpness": 2}, "mix", None, "categorical")
    ]
    shapes = [plan.shape for plan in plans]
    assert len(set(shapes[:4])) == 4
    assert shapes[3] == shapes[4]


def test_an_event_brings_another_learner() -> None:
    changing = written(events=[{"round": 2, "set": {"learning.learner": "mirror"}}])
    half = after(written(), 2)
    plain, mirrored = after(written()), after(changing)
    assert torch.equal(after(changing, 2), half)
    assert float((plain - mirrored).abs().max()) > 1e-3


CODE = """
import torch

from ecosystem.plugins import Learner, Positive


class Mirror(Learner, name="file_mirror"):
    sharpness: Positive = 1.0

    def learn(self, training):
        eta = training.rate
        logs = torch.xlogy(1 - eta, training.start) + torch.xlogy(self.sharpness * eta, training.data)
        return torch.softmax(logs, dim=-1)
"""

TEXT = """\
name: mirrored
rounds: 3
plugins: [mirror.py]
outputs: {kind: categorical, size: 3}
rewards: {first: [1, 0, 0.5]}
real: [0.2, 0.3, 0.5]
models: [{name: m, reward: first, diet: {real: 0.5, curated: 0.5}, curation: {candidates: 3}}]
learning: {learner: {method: file_mirror}, rate: 0.5, regime: incremental}
sweep: {grid: {learning.learner.sharpness: [0.5, 1, 2]}}
"""


def test_a_learner_of_a_file_is_swept(tmp_path: Path) -> None:
    (tmp_path / "mirror.py").write_text(CODE, encoding="utf-8")
    (tmp_path / "mirrored.yaml").write_text(TEXT, encoding="utf-8")
    with pytest.raises(InputError, match="--allow-code"):
        ecosystem.load_scenario(tmp_path / "mirrored.yaml")
    results = ecosystem.run(tmp_path / "mirrored.yaml", allow_code=True, out=tmp_path / "out")
    assert list(results.runs["status"]) == ["done"] * 3
    last = results.table("models", parameters=True).query("round == 3")
    assert last["entropy"].is_monotonic_decreasing  # the sharper, the narrower
    again = ecosystem.run(tmp_path / "mirrored.yaml", allow_code=True, out=tmp_path / "out")
    assert list(again.runs["run"]) == list(results.runs["run"])
    (tmp_path / "mirror.py").write_text(CODE + "# another\n", encoding="utf-8")
    changed = ecosystem.run(tmp_path / "mirrored.yaml", allow_code=True, out=tmp_path / "other")
    assert not set(changed.runs["run"]) & set(results.runs["run"])
