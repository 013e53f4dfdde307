"""Counts of drawn examples: the law, and that no impossible output is ever drawn."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, chi2_contingency, chisquare, multinomial

from ecosystem.learners import sampling
from ecosystem.learners.sampling import draw_counts
from ecosystem.threads import one_thread, spare
from ecosystem.world.streams import stream

SEEDS = range(4000)
P = (0.2, 0.5, 0.3)


def counts(p: object, draws: int, seeds: object = (0,), purpose: str = "test", round_: int = 0) -> np.ndarray:
    """Counts of one model's categories in each world, ``[worlds, categories]``."""
    seeds = list(seeds)  # type: ignore[call-overload]
    probability = torch.tensor(np.array(p), dtype=torch.float64).expand(len(seeds), 1, -1)
    return draw_counts(probability, draws, seeds, purpose, round_, [0])[:, 0].numpy()


def agree(found: np.ndarray, probability: np.ndarray) -> float:
    """p-value of a chi-square test, rare outcomes taken together."""
    expected = probability * found.sum()
    rare = expected < 8
    observed = np.append(found[~rare], found[rare].sum())
    due = np.append(expected[~rare], expected[rare].sum())
    held = due > 0
    assert observed[~held].sum() == 0
    return float(chisquare(observed[held], due[held] * observed.sum() / due.sum()).pvalue)


@pytest.mark.parametrize("draws", [1, 2, 4])
def test_few_draws_have_the_multinomial_law(draws: int) -> None:
    drawn = counts(P, draws, SEEDS)
    outcomes = [each for each in product(range(draws + 1), repeat=3) if sum(each) == draws]
    found = np.array([(drawn == each).all(-1).sum() for each in outcomes])
    assert found.sum() == len(SEEDS)
    law = multinomial(draws, P)
    assert agree(found, np.array([law.pmf(each) for each in outcomes])) > 0.001


@pytest.mark.parametrize("draws", [96, 97, 500])  # 32 a category is the last by inversion
def test_many_draws_have_the_multinomial_law(draws: int) -> None:
    drawn = counts(P, draws, SEEDS).astype(int)
    for category, p in enumerate(P):
        found = np.bincount(drawn[:, category], minlength=draws + 1)
        assert agree(found, binom.pmf(np.arange(draws + 1), draws, p)) > 0.001
    # Given the first count, the second is binomial too: together that is the whole law.
    middle = int(draws * P[0])
    chosen = drawn[np.abs(drawn[:, 0] - middle) <= 2]
    left = draws - chosen[:, 0]
    expected = sum(binom.pmf(np.arange(draws + 1), n, P[1] / (P[1] + P[2])) for n in left) / len(left)
    assert agree(np.bincount(chosen[:, 1], minlength=draws + 1), expected) > 0.001


@pytest.mark.parametrize("draws", [20, 400])
def test_models_rounds_purposes_and_seeds_are_independent(draws: int) -> None:
    probability = torch.tensor([0.3, 0.7], dtype=torch.float64).expand(len(SEEDS), 300, 2)[:, [0, 1, 256]]

    def first(purpose: str, round_: int) -> np.ndarray:
        drawn = draw_counts(probability, draws, list(SEEDS), purpose, round_, [0, 1, 256])
        return (drawn[..., 0] > 0.3 * draws).numpy()  # whether the first category came often

    here, later, other = first("a", 0), first("a", 1), first("b", 0)
    pairs = [
        (here[:, 0], here[:, 1]),
        (here[:, 0], here[:, 2]),
        (here[:, 0], later[:, 0]),
        (here[:, 0], other[:, 0]),
        (here[:-1, 0], here[1:, 0]),
    ]
    for one, another in pairs:
        table = [[int(((one == a) & (another == b)).sum()) for b in (False, True)] for a in (False, True)]
        assert chi2_contingency(table).pvalue > 0.0005


masses = st.lists(st.one_of(st.just(0.0), st.floats(1e-12, 1.0)), min_size=1, max_size=12).filter(lambda x: sum(x) > 0)


@settings(deadline=None, max_examples=200)
@given(p=masses, draws=st.integers(1, 600), seed=st.integers(0, 2**32))
def test_counts_are_whole_sum_to_n_and_hold_nothing_impossible(p: list[float], draws: int, seed: int) -> None:
    drawn = counts(np.array(p) / math.fsum(p), draws, [seed])[0]
    assert (drawn == np.round(drawn)).all()
    assert (drawn >= 0).all()
    assert drawn.sum() == draws
    assert (drawn[np.array(p) == 0] == 0).all()


@pytest.mark.parametrize("p", [(0, 1, 0), (0.0, 0.25, 0, 0.75, 0, 0), (1 / 3, 1 / 3, 1 / 3, 0), (*[0.1] * 10, 0, 0)])
@pytest.mark.parametrize("draws", [20, 10_000])
def test_impossible_categories_are_never_drawn(p: tuple[float, ...], draws: int) -> None:
    drawn = counts(p, draws, range(500))
    assert (drawn.sum(-1) == draws).all()
    assert (drawn[:, np.array(p) == 0] == 0).all()
    assert (drawn[:, np.array(p) > 0].sum(0) > 0).all()


def test_impossible_categories_are_not_drawn_in_however_many_draws() -> None:
    # Rounding leaves 1e-16 for a last category that has no mass: one draw in 1e16 must not fall there.
    generator = np.random.default_rng(0)
    for seed in range(50):
        p = np.append(generator.dirichlet(np.ones(10)), [0.0, 0.0])
        drawn = counts(p, 9 * 10**15, [seed])[0]
        assert drawn[-2:].tolist() == [0, 0]
        assert drawn.sum() == pytest.approx(9e15, rel=1e-15)


def found_of(p: object, words: list[int], v: float) -> list[int]:
    """Counts of one row, given the words of its draws and what is added to all of them."""
    row = np.array([[*words, int(v * 2**20) << 12]], dtype=np.uint32)
    return sampling._counted(np.array([p], dtype=np.float64), row, len(words))[0].tolist()


def test_the_largest_and_the_smallest_number_that_can_be_drawn_fall_into_a_category() -> None:
    ends, most = [0, 2**31, 2**32 - 1], 1 - 2**-20
    # 0 is below every mass, one half not below one half.
    assert found_of((0, 0.5, 0.5, 0), ends, 0) == found_of((0, 0.5, 0.5, 0), ends, most) == [0, 1, 2, 0]
    assert found_of([0.1] * 10, ends, most) == [1, 0, 0, 0, 0, 1, 0, 0, 0, 1]  # ten times 0.1 is a little less than 1
    assert found_of((1e-300, 1.0, 1e-300), ends, 0) == [1, 2, 0]


def test_a_word_on_a_step_falls_behind_it_however_many_steps_are_near() -> None:
    # 63 categories of a word each, all in one part of the guide: the words 0, 1, … fall into one after another.
    p = np.append(np.full(63, 2.0**-32), 1 - 63 * 2.0**-32)
    assert found_of(p, [*range(63), 63], 0) == [1] * 64
    assert found_of(p[::-1], [0, *range(2**32 - 63, 2**32)], 0) == [1] * 64
    # Steps at the very ends of parts, some of which nothing begins in.
    wide = np.array([1, 2, 1, 4, 0, 8, 16]) / 32
    words = [
        step * 2**27 - before for step in (1, 3, 4, 8, 16, 32) for before in (0, 1) if step * 2**27 - before < 2**32
    ]
    expected = [1, 2, 2, 2, 0, 2, 2]
    assert found_of(wide, words, 0) == expected


@pytest.mark.parametrize("k", [1, 3, 8])
def test_what_is_rarer_than_a_word_is_drawn_as_often_as_it_should(k: int) -> None:
    # A category of k/8 of a word: the same word falls there for k of 8 equally likely v.
    p = (0.25, k / 8 / 2**32, 0.75 - k / 8 / 2**32)
    assert sum(found_of(p, [2**30], v / 8)[1] for v in range(8)) == k


@pytest.mark.parametrize("shape", [(7, 50), (7, 51), (300, 40), (1, 5), (2, 40)])
def test_draws_are_uniforms_put_through_the_distribution_function(shape: tuple[int, int]) -> None:
    categories, draws = shape
    generator = np.random.default_rng(1)
    for seed in range(20):
        p = generator.dirichlet(np.full(categories, 0.2 if seed % 2 else 1.0))  # many categories in one part, or few
        words = stream(seed, "test", 3).bit_generator.random_raw(draws // 2 + 1).view(np.uint32)
        u = (words[:draws] + (words[-1] >> 12) / 2**20) / 2**32
        expected = np.bincount(np.searchsorted(np.cumsum(p), u, side="right"), minlength=categories)
        assert counts(p, draws, [seed], round_=3)[0].tolist() == expected.tolist()


@settings(deadline=None, max_examples=100)
@given(
    p=st.lists(st.floats(0.001, 1.0), min_size=4, max_size=4),
    q=st.lists(st.floats(0.001, 1.0), min_size=4, max_size=4),
    draws=st.integers(1, 128),
    seed=st.integers(0, 2**32),
)
def test_what_stays_likely_stays_drawn(p: list[float], q: list[float], draws: int, seed: int) -> None:
    # Two runs share their uniforms: where one distribution function lies above the other, so do the counts.
    first, second = (np.cumsum(each) / np.sum(each) for each in (p, q))
    upper, lower = np.maximum(first, second), np.minimum(first, second)
    up, low = (counts(np.diff(steps, prepend=0), draws, [seed])[0] for steps in (upper, lower))
    assert (up.cumsum() >= low.cumsum()).all()


@pytest.mark.parametrize("draws", [30, 300])
def test_a_model_s_draws_do_not_depend_on_who_else_is_asked_for(draws: int, monkeypatch: pytest.MonkeyPatch) -> None:
    probability = torch.from_numpy(np.random.default_rng(0).dirichlet(np.ones(4), size=(5, 300)))
    everybody = draw_counts(probability, draws, range(5), "test", 0, range(300))
    some = [2, 7, 63, 205, 256, 299]
    assert torch.equal(draw_counts(probability[:, some], draws, range(5), "test", 0, some), everybody[:, some])
    assert torch.equal(draw_counts(probability[3:4], draws, [3], "test", 0, range(300)), everybody[3:4])
    monkeypatch.setattr(sampling, "_AT_ONCE", 1)
    assert torch.equal(draw_counts(probability, draws, range(5), "test", 0, range(300)), everybody)
    monkeypatch.setattr(sampling, "_AT_ONCE", 40 * (draws + 4))  # of models 40 at once, of which some are asked for
    assert torch.equal(draw_counts(probability[:, some], draws, range(5), "test", 0, some), everybody[:, some])


@pytest.mark.parametrize("draws", [30, 300])
def test_draws_do_not_depend_on_how_many_threads_there_are(draws: int) -> None:
    probability = torch.from_numpy(np.random.default_rng(0).dirichlet(np.ones(4), size=(3, 600)))
    alone = draw_counts(probability, draws, range(3), "test", 0, range(600))
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        with one_thread():
            assert spare() == 4
            spread = draw_counts(probability, draws, range(3), "test", 0, range(600))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(spread, alone)
