"""Judges of images against their formulas, and the classifier on images that it has not seen."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ecosystem.errors import EcosystemError
from ecosystem.outputs.images.classifier import Classifier
from ecosystem.outputs.images.data import RealImages, coloured, load
from ecosystem.outputs.images.judges import hue, judge_of
from ecosystem.scenario.fields.image_judges import BrightnessJudge, ClassifierJudge, FunctionJudge, HueJudge
from ecosystem.scenario.fields.images import ImageOutputs


def never():
    raise AssertionError("this judge needs no classifier")


def images(n=12, channels=2, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).random((2, n, channels, 4, 4)).astype(np.float32))


def labels(n=12):
    return torch.arange(n).remainder(3).expand(2, n)


def test_the_hue_of_a_coloured_image_is_the_hue_it_was_given():
    h = np.array([-1.0, -0.3, 0.0, 0.7, 1.0])
    given = coloured(np.random.default_rng(0).random((5, 4, 4)), h)
    np.testing.assert_allclose(hue(torch.from_numpy(given)), h, atol=1e-6)
    assert hue(torch.zeros(1, 2, 4, 4)).tolist() == [0.0]


@pytest.mark.parametrize("channels", [2, 3])
@pytest.mark.parametrize("target", [1.0, -1.0, 0.25])
def test_hue_is_judged_by_its_distance_from_the_target(channels, target):
    found = judge_of(HueJudge(judge="hue", target=target), never, None)(images(channels=channels), labels())
    for world, row in enumerate(images(channels=channels).numpy()):
        for number, image in enumerate(row.astype(np.float64)):
            red, blue = image[0], image[-1]
            whole = red + blue
            plain = 1 - abs(((red - blue) * whole).sum() / (whole**2).sum() - target)
            assert float(found[world, number]) == pytest.approx(plain, abs=1e-5)


def test_opposite_targets_are_opposite_rewards():
    red, blue = (judge_of(HueJudge(judge="hue", target=t), never, None)(images(), labels()) for t in (1.0, -1.0))
    np.testing.assert_allclose(red, -blue, atol=1e-6)


@pytest.mark.parametrize("target", [1.0, 0.5])
def test_brightness_is_the_mean_of_all_pixels(target):
    found = judge_of(BrightnessJudge(judge="brightness", target=target), never, None)(images(), labels())
    plain = 1 - np.abs(images().numpy().reshape(2, 12, -1).mean(-1) - target)
    np.testing.assert_allclose(found, plain, atol=1e-6)


@pytest.fixture(scope="module")
def real():
    return load(ImageOutputs(kind="images"), None, seed=1)


@pytest.fixture(scope="module")
def classifier(real):
    return Classifier(real)


def test_the_classifier_knows_digits_that_it_has_not_seen(real):
    """Copies of one digit, which differ in hue alone, are on the same side: what is tried is new in shape, too."""
    copy = np.concatenate([np.arange(count // 2) for count in real.counts.tolist() for _ in range(2)])
    seen = copy % 5 != 0
    half = Classifier(RealImages(real.images[seen], real.labels[seen]))
    told = half.probabilities(torch.from_numpy(real.images[~seen]).flatten(1)[None])[0]
    np.testing.assert_allclose(told.sum(-1), 1, atol=1e-5)
    right = (told.argmax(-1).numpy() == real.labels[~seen]).mean()
    assert right > 0.94


def test_the_judge_gives_the_probability_of_a_label_or_of_the_one_asked_for(real, classifier):
    some = torch.from_numpy(real.images[:: len(real.images) // 24][:24]).unflatten(0, (2, 12))
    asked = torch.arange(12).remainder(10).expand(2, 12)
    whole = classifier.probabilities(some.flatten(2))
    seven = judge_of(ClassifierJudge(judge="classifier", label=7), lambda: classifier, None)(some, asked)
    assert (seven == whole[..., 7]).all()
    own = judge_of(ClassifierJudge(judge="classifier"), lambda: classifier, None)(some, asked)
    assert own.tolist() == [[float(whole[w, n, n % 10]) for n in range(12)] for w in range(2)]


def test_features_are_those_before_the_last_layer_and_scaled(real, classifier):
    flat = torch.from_numpy(real.images).flatten(1)[None]
    features = classifier.features(flat)[0].double()
    assert features.shape == (len(real.images), 32)
    assert float(features.var(0, correction=0).mean()) == pytest.approx(1, abs=1e-4)
    assert (Classifier(real).features(flat)[0] == features).all()


def test_with_a_single_class_features_are_principal_components():
    from sklearn.decomposition import PCA

    given = np.random.default_rng(0).random((60, 2, 4, 4)).astype(np.float32)
    classifier = Classifier(RealImages(given, np.zeros(60, dtype=np.int64)))
    flat = given.reshape(60, -1)
    ours = classifier.features(torch.from_numpy(flat)[None])[0].numpy()
    theirs = PCA(32).fit_transform(flat)
    theirs /= np.sqrt(theirs.var(0).mean())
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=1e-3)
    assert (classifier.probabilities(torch.from_numpy(flat)[None]) == 1).all()


def test_a_function_beside_the_scenario_is_found_and_asked(tmp_path):
    (tmp_path / "my_taste.py").write_text(
        "def corner(images, labels):\n    return images[:, 0, 0, 0] + labels\n"
        "def wrong(images, labels):\n    return images.mean()\n"
        "something = 3\n"
    )
    found = judge_of(FunctionJudge(judge="python", function="my_taste:corner"), never, tmp_path)(images(), labels())
    np.testing.assert_allclose(found, images()[..., 0, 0, 0] + labels())
    with pytest.raises(EcosystemError, match="a finite number for each image"):
        judge_of(FunctionJudge(judge="python", function="my_taste:wrong"), never, tmp_path)(images(), labels())
    for name in ("my_taste:absent", "my_taste:something", "no_such_module:f"):
        with pytest.raises(EcosystemError, match=name):
            judge_of(FunctionJudge(judge="python", function=name), never, tmp_path)
