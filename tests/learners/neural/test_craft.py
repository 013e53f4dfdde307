"""Networks that draw images, in the loop: shared beginnings, common random numbers, the same bits, real learning."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import yaml

import ecosystem
from ecosystem import Ecosystem, Scenario
from ecosystem.errors import EcosystemError, InputError
from ecosystem.learners.batch import Batch
from ecosystem.learners.craft import Lessons
from ecosystem.learners.neural import craft as module
from ecosystem.learners.neural.craft import ImageCraft
from ecosystem.learners.neural.first import FirstWeights
from ecosystem.learners.neural.training import Pupil
from ecosystem.testing import check_craft, check_judge
from ecosystem.threads import one_thread
from ecosystem.world.blueprint import blueprint

SMALL = {
    "network": {"kind": "vae", "width": 24, "latent": 5},
    "first": {"steps": 12, "rate": 5e-3},
    "later": {"steps": 6, "rate": 2e-3, "batch": 16},
}
FLOW = SMALL | {"network": {"kind": "flow", "width": 24, "depth": 2, "steps": 2}}


@pytest.fixture(autouse=True)
def _nothing_is_known(monkeypatch):
    monkeypatch.setattr(module, "_FIRST", FirstWeights())


def written(neural=SMALL, share=0.5, **changes):
    luce = {"method": "luce", "candidates": 3, "temperature": 0.1}
    return {
        "name": "images",
        "rounds": 2,
        "mode": "sampled",
        "outputs": {"kind": "images", "contexts": 3},
        "rewards": {"red": {"judge": "hue"}, "blue": {"judge": "hue", "target": -1}},
        "models": [
            {"name": "p", "reward": "red", "diet": {"real": 1 - share, "curated": share}, "curation": luce},
            {"name": "q", "reward": "blue", "diet": {"real": 0.4, "raw": 0.3, "neighbours_curated": 0.3}},
        ],
        "network": {"edges": [{"from": "p", "to": "q"}]},
        "learning": {"regime": "incremental", "examples": 50, "neural": neural},
    } | changes


def world(seed=0, **changes):
    return blueprint(Scenario(**written(**changes)), seed)


def crafted(*worlds):
    return ImageCraft(Batch(worlds))


@pytest.mark.parametrize("neural", [SMALL, FLOW], ids=["vae", "flow"])
def test_a_world_in_a_batch_is_the_world_alone(neural, monkeypatch):
    every = [world(seed, neural=neural, share=share) for seed, share in ((1, 0.5), (1, 0.6), (2, 0.5))]
    assert len({each.shape for each in every}) == 1

    def final(worlds):
        monkeypatch.setattr(module, "_FIRST", FirstWeights())
        model = Ecosystem.together(worlds)
        with one_thread():
            for _ in range(2):
                model.step()
        return model.state

    whole = final(every)
    assert not torch.equal(whole.p[0], whole.p[1])
    for some in (slice(0, 1), slice(1, 3), slice(2, 3)):
        part = final(every[some])
        assert torch.equal(part.p, whole.p[some])
        assert all(torch.equal(part.weights[name], whole.weights[name][some]) for name in part.weights)


@pytest.mark.parametrize("neural", [SMALL, FLOW], ids=["vae", "flow"])
def test_the_craft_keeps_to_the_laws_of_crafts(neural):
    learning = {"regime": "incremental", "neural": neural}
    check_craft({"kind": "images", "contexts": 3}, {"red": {"judge": "hue"}}, learning=learning)


@pytest.mark.parametrize("judge", ["hue", "brightness", "classifier"])
def test_judges_keep_to_the_laws_of_judges(judge):
    check_judge({"judge": judge}, {"kind": "images", "contexts": 3}, learning={"neural": SMALL})


def test_what_is_learned_first_is_learned_once(monkeypatch):
    taught = []
    teach = ImageCraft._taught_first
    monkeypatch.setattr(ImageCraft, "_taught_first", lambda self, who: taught.extend(who) or teach(self, who))
    weights, _ = crafted(world(1), world(1, share=0.6), world(2)).begin()
    assert sorted(taught, key=str) == [Pupil(1, 0), Pupil(1, 1), Pupil(2, 0), Pupil(2, 1)]
    for value in weights.values():
        assert torch.equal(value[0], value[1])
    name = "decoder.0.weight"
    assert not torch.equal(weights[name][0, 0], weights[name][0, 1])
    assert not torch.equal(weights[name][0, 0], weights[name][2, 0])
    again, _ = crafted(world(2)).begin()
    assert len(taught) == 4
    assert torch.equal(again[name][0], weights[name][2])
    other, _ = crafted(world(2, neural=SMALL | {"first": {"steps": 13}})).begin()
    assert len(taught) == 6
    assert not torch.equal(other[name], again[name])


def test_forgotten_weights_make_room():
    kept = FirstWeights()
    taught = []

    def teach(pupils):
        taught.extend(pupils)
        return {"w": torch.zeros(len(pupils), 40 * 2**20 // 4)}, torch.zeros(len(pupils))

    for number in (0, 1, 2, 3, 4, 5, 6, 0):
        kept.of(("a",), [Pupil(number, 0)], teach)
    assert [who.seed for who in taught] == [0, 1, 2, 3, 4, 5, 6, 0]
    kept.of(("a",), [Pupil(6, 0)], teach)
    assert len(taught) == 8


def test_real_items_are_real_images_of_the_class_asked_for():
    made = crafted(world(1), world(1, share=0.6), world(2))
    context = torch.arange(300).remainder(3).expand(3, 2, 300)
    drawn = made.real(4, context)
    for number, seed in enumerate((1, 1, 2)):
        real = made._real[seed]
        for label in range(3):
            known = {image.tobytes() for image in real.images[real.labels == label]}
            found = [image.numpy().tobytes() for image in drawn[number][context[number] == label]]
            assert set(found) <= known
            assert len(set(found)) > 100
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0, 0], drawn[0, 1])
    assert not torch.equal(drawn, made.real(5, context))


@pytest.mark.parametrize("neural", [SMALL, FLOW], ids=["vae", "flow"])
def test_a_further_candidate_leaves_the_others_what_they_are(neural):
    made = crafted(world(1, neural=neural), world(1, neural=neural, share=0.6))
    weights, _ = made.begin()
    two, three = (made.write(weights, 3, 4, k) for k in (2, 3))
    assert three.shape == (2, 2, 3, 4, 3, 2, 8, 8)
    assert torch.equal(two, three[:, :, :, :, :2])
    assert torch.equal(three[0], three[1])
    assert float((three[:, :, :, :, 0] - three[:, :, :, :, 1]).abs().max()) > 0.01
    assert float(three.min()) >= 0 and float(three.max()) <= 1


def test_judges_stand_in_the_order_of_rewards_then_scores():
    scores = {"light": {"judge": "brightness"}, "right": {"judge": "classifier"}}
    made = crafted(world(0, outputs={"kind": "images", "contexts": 3, "scores": scores}))
    context = torch.arange(30).remainder(3).expand(1, 30)
    items = made.real(0, context.expand(1, 2, 30))[:, 0]
    told = made.judge(items, context)
    assert told.shape == (1, 30, 4)
    torch.testing.assert_close(told[..., 0], -told[..., 1])
    torch.testing.assert_close(told[..., 2], items.mean((-3, -2, -1)))
    assert float(told[..., 3].mean()) > 0.95


def test_real_images_are_typical_and_noise_is_not():
    made = crafted(world(0))
    context = torch.arange(90).remainder(3).expand(1, 90)
    items = made.real(0, context.expand(1, 2, 90))[:, 0]
    own, other = made.similarity(items, context), made.similarity(items, (context + 1) % 3)
    noise = made.similarity(torch.rand(items.shape, generator=torch.Generator().manual_seed(0)), context)
    assert ((own > 0) & (own <= 1)).all()
    assert float(own.median()) > 0.5
    assert float(other.median()) < 0.5 * float(own.median())
    assert float(noise.mean()) < float(own.mean())


def test_real_images_are_near_real_ones_by_every_measure():
    made = crafted(world(0))
    context = torch.arange(3)[:, None].expand(1, 2, 3, 400).flatten(2)
    items = made.real(0, context).unflatten(2, (3, 400))
    far = torch.rand(items.shape, generator=torch.Generator().manual_seed(0))
    near, off = (made.measure(each, torch.zeros(1, 2), {}) for each in (items, far))
    assert (near["distance_real"] < 0.5).all() and (off["distance_real"] > 5 * near["distance_real"]).all()
    assert (near["distance_kernel"].abs() < 0.1 * off["distance_kernel"]).all()
    assert near["diversity"].tolist() == [[pytest.approx(1, abs=0.05)] * 2]
    assert (near["recognised"] > 0.97).all()
    same = made.measure(items[:, :, :, :1].expand_as(items), torch.zeros(1, 2), {})
    assert same["diversity"].tolist() == [[pytest.approx(0, abs=1e-9)] * 2]


@pytest.mark.parametrize(
    ("regime", "start", "expected"),
    [
        ("incremental", None, "present"),
        ("retrain", None, "first"),
        ("retrain", "present", "present"),
        ("incremental", "nothing", "nothing"),
    ],
)
def test_training_starts_where_the_settings_say(regime, start, expected):
    """With a learning rate of next to nothing, what it started from is what it ends with."""
    still = SMALL | {"later": {"steps": 1, "rate": 1e-12}, "start": start}
    made = crafted(world(0, learning={"regime": regime, "examples": 50, "neural": still}))
    first, _ = made.begin()
    present = {name: 1.1 * value for name, value in first.items()}
    context = torch.zeros(1, 2, 20, dtype=torch.int64)
    items = made.real(0, context)
    after, loss = made.train(present, first, Lessons(items, context, items), 0)
    assert loss.shape == (1, 2)
    near = {
        name: all(torch.allclose(after[key], value[key], rtol=0, atol=1e-6) for key in after)
        for name, value in {"present": present, "first": first}.items()
    }
    assert near == {"present": expected == "present", "first": expected == "first"}


def test_networks_learn_digits_and_curated_hue_moves_to_its_target():
    """Against an untrained network: likelihood and distance improve, digits are recognised, hue follows its curator."""
    neural = {
        "network": {"kind": "vae", "width": 64, "latent": 8},
        "first": {"steps": 600, "rate": 3e-3},
        "later": {"steps": 60, "rate": 1e-3},
    }
    luce = {"method": "luce", "candidates": 6, "temperature": 0.1}
    models = [
        {"name": name, "reward": reward, "diet": {"real": 0.2, "curated": 0.8}, "curation": luce}
        for name, reward in (("p", "red"), ("q", "blue"))
    ]
    learning = {"regime": "incremental", "examples": 400, "neural": neural}
    some = {"models": models, "network": {}, "learning": learning, "rounds": 4}
    table = ecosystem.run(Scenario(**written(**some))).table("models").set_index(["round", "model"])
    untrained = learning | {"neural": neural | {"first": {"steps": 1, "rate": 1e-9}}}
    before = ecosystem.run(Scenario(**written(**some | {"learning": untrained, "rounds": 0}))).table("models")
    start = table.loc[0]
    assert (start["loss"] < 0.5 * before["loss"].min()).all()
    assert (start["distance_real"] < 0.2 * before["distance_real"].min()).all()
    assert (start["recognised"] > 0.9).all()
    assert (table["recognised"] > 0.9).all()
    gains = table["alignment"].unstack()
    assert (gains.diff().dropna().sum() > 0.05).all()


def test_folders_of_images_can_be_learned_too(tmp_path):
    from PIL import Image

    for name, colour in (("bright", 220), ("dark", 40)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(8):
            pixels = np.random.default_rng(number).normal(colour, 15, (12, 12, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{number}.png")
    data = {"source": "folder", "path": "photos", "size": [5, 5]}
    text = written(
        outputs={"kind": "images", "contexts": 2, "data": data},
        rewards={"red": {"judge": "brightness"}, "blue": {"judge": "brightness", "target": 0}},
        record={"samples": 1},
    )
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(text))
    scenario = ecosystem.load_scenario(tmp_path / "s.yaml")
    results = ecosystem.run(scenario)
    assert results.runs["status"].tolist() == ["done"]
    assert results.table("samples")["image"].iloc[0][1:4] == b"PNG"
    before = ecosystem.plan.identity.run_id(scenario, 0)
    Image.new("RGB", (12, 12)).save(tmp_path / "photos" / "dark" / "0.png")
    assert ecosystem.plan.identity.run_id(scenario, 0) != before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rewards": {"red": {"judge": "hew"}, "blue": {"judge": "hue"}}}, "did you mean 'hue'?"),
        ({"rewards": {"red": {"judge": "classifier", "label": 3}, "blue": {"judge": "hue"}}}, "labels are 0 to 2"),
        ({"outputs": {"kind": "images", "contexts": 11}}, "there are 10 digits (got 11)"),
        ({"outputs": {"kind": "images", "data": {"source": "folder", "path": "no such"}}}, "no such folder"),
        ({"outputs": {"kind": "images", "data": {"source": "array", "path": "no such"}}}, "no such file"),
        (
            {"outputs": {"kind": "images", "data": {"source": "folder", "path": ".", "colours": "grey"}}},
            "grey images have no hue",
        ),
        ({"outputs": {"kind": "categorical", "size": 2}}, "is for networks that draw images"),
    ],
)
def test_what_does_not_fit_is_said(changes, said):
    with pytest.raises(InputError) as caught:
        Scenario(**written(**changes))
    assert any(said in str(problem) for problem in caught.value.problems)


def test_the_hue_of_grey_images_is_refused(tmp_path):
    np.save(tmp_path / "grey.npy", np.zeros((4, 1, 4, 4)))
    grey = {"kind": "images", "contexts": 1, "data": {"source": "array", "path": "grey.npy"}}
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(written(outputs=grey)))
    with pytest.raises(EcosystemError, match="grey images have no hue"):
        crafted(blueprint(ecosystem.load_scenario(tmp_path / "s.yaml"), 0))
