"""Real images: digits and the law of their hue, folders, arrays, and what is said of bad ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import stats
from sklearn.datasets import load_digits

from ecosystem.errors import EcosystemError
from ecosystem.outputs.images.data import load
from ecosystem.outputs.images.pictures import grid, png, shown
from ecosystem.scenario.fields.images import ImageOutputs

HERE = Path()


def outputs(contexts=10, **data):
    return ImageOutputs.model_validate({"kind": "images", "contexts": contexts, "data": data or {"source": "digits"}})


def hues(images):
    red, blue = images[:, 0], images[:, 1]
    whole = red + blue
    return ((red - blue) * whole).sum((1, 2)) / (whole**2).sum((1, 2))


def test_digits_keep_their_intensity_and_their_labels():
    real, plain = load(outputs(), HERE, seed=3), load_digits()
    assert real.images.shape == (2 * 1797, 2, 8, 8)
    assert real.item == (2, 8, 8)
    assert real.counts.tolist() == (2 * np.bincount(plain.target)).tolist()
    seven = plain.images[plain.target == 7] / 16
    ours = real.images[real.labels == 7].sum(1)
    np.testing.assert_allclose(ours, np.concatenate([seven, seven]), atol=1e-6)


def test_hues_are_normal_clipped_and_symmetric():
    found = hues(load(outputs(hue=0.3, source="digits"), HERE, seed=3).images)
    np.testing.assert_allclose(np.sort(found), np.sort(-found), atol=1e-6)
    half = np.sort(found)[len(found) // 2 :]  # |h| of every digit: half-normal, for .3 is far from the clip
    assert stats.kstest(half, stats.halfnorm(scale=0.3).cdf).pvalue > 0.01
    wide = hues(load(outputs(hue=2.0, source="digits"), HERE, seed=3).images)
    assert np.abs(wide).max() <= 1 + 1e-6
    clipped = (np.abs(wide) > 1 - 1e-6).mean()
    assert clipped == pytest.approx(2 * stats.norm.sf(0.5), abs=0.05)


def test_hues_belong_to_the_seed():
    one, again, other = (load(outputs(), HERE, seed).images for seed in (1, 1, 2))
    assert (one == again).all()
    assert not (one == other).all()


def test_fewer_contexts_are_the_first_classes():
    real = load(outputs(contexts=3), HERE, seed=0)
    assert set(real.labels.tolist()) == {0, 1, 2}


def test_a_folder_of_folders_is_a_class_each(tmp_path):
    for name, colour in (("apples", (255, 0, 0)), ("plums", (0, 0, 255))):
        (tmp_path / "fruit" / name).mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", (20, 10), colour).save(tmp_path / "fruit" / name / f"{number}.png")
    real = load(outputs(2, source="folder", path="fruit", size=[4, 6]), tmp_path, seed=0)
    assert real.images.shape == (6, 3, 4, 6)
    assert real.labels.tolist() == [0, 0, 0, 1, 1, 1]
    np.testing.assert_allclose(real.images[0].mean((1, 2)), [1, 0, 0])
    np.testing.assert_allclose(real.images[-1].mean((1, 2)), [0, 0, 1])
    grey = load(outputs(2, source="folder", path="fruit", size=[4, 4], colours="grey"), tmp_path, seed=0)
    assert grey.images.shape == (6, 1, 4, 4)


def test_arrays_are_bytes_or_numbers_up_to_one(tmp_path):
    pixels = np.arange(2 * 3 * 4 * 4, dtype=np.uint8).reshape(2, 3, 4, 4)
    np.savez(tmp_path / "a.npz", images=pixels, labels=[1, 0])
    real = load(outputs(2, source="array", path="a.npz"), tmp_path, seed=0)
    np.testing.assert_allclose(real.images, pixels[::-1] / 255, rtol=1e-6)
    assert real.labels.tolist() == [0, 1]
    np.save(tmp_path / "b.npy", pixels[:, 0] / 255)
    grey = load(outputs(1, source="array", path="b.npy"), tmp_path, seed=0)
    np.testing.assert_allclose(grey.images[:, 0], pixels[:, 0] / 255, rtol=1e-6)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"images": np.full((2, 1, 4, 4), 3.0)}, "from 0 to 1 (got 3 to 3)"),
        ({"images": np.zeros((2, 4))}, "[images, channels, height, width]"),
        ({"pictures": np.zeros((2, 1, 4, 4))}, "an .npz file holds `images`"),
        ({"images": np.zeros((2, 1, 4, 4)), "labels": [0.5, 0.5]}, "labels are whole numbers"),
        ({"images": np.zeros((2, 1, 4, 4)), "labels": [0, 0]}, "no image of class 1 (got 2, they have 1 classes)"),
    ],
)
def test_what_is_wrong_with_an_array_is_said_in_one_line(tmp_path, arrays, said):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(EcosystemError) as caught:
        load(outputs(2, source="array", path="a.npz"), tmp_path, seed=0)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_image_is_named(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "notes.txt").write_text("no image")
    with pytest.raises(EcosystemError, match=r"notes\.txt"):
        load(outputs(1, source="folder", path="x"), tmp_path, seed=0)


def test_digits_without_scikit_learn_are_asked_for(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sklearn.datasets", None)
    with pytest.raises(EcosystemError, match=r'not installed: pip install "ecosystem-sim\[images\]"'):
        load(outputs(), HERE, seed=0)


def test_two_channels_are_shown_as_red_and_blue():
    image = np.zeros((2, 1, 2))
    image[0, 0, 0], image[1, 0, 1] = 1.0, 0.5
    assert shown(image).tolist() == [[[255, 0, 0], [0, 0, 128]]]
    assert shown(np.full((1, 1, 1), 2.0)).tolist() == [[[255, 255, 255]]]


def test_a_png_holds_the_image():
    import io

    image = np.random.default_rng(0).random((3, 5, 7))
    back = np.asarray(Image.open(io.BytesIO(png(image))))
    assert (back == shown(image)).all()


def test_a_grid_keeps_every_image_in_its_place():
    images = np.arange(6.0).reshape(2, 3, 1, 1, 1)
    assert grid(images, gap=1)[0, ::2, ::2].tolist() == [[0, 1, 2], [3, 4, 5]]
