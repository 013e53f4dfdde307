"""Labels of swept values: short, different where values are, the values themselves where these are short."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecosystem.scenario.labels import labels


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2.5], [1, 2.5]),
        ([True, False], [True, False]),
        (["a", "b"], ["a", "b"]),
        ([None, 3], [None, 3]),
        ([None, "synchronous"], ["none", "synchronous"]),
        ([None, {"method": "reweighting"}], ["none", "reweighting"]),
        ([[{"method": "linear"}, {"method": "drift"}], {"method": "static"}], ["linear + drift", "static"]),
        ([[0.5, 0.5], [1, 0]], ["[0.5,0.5]", "[1,0]"]),
        ([{"generator": "star"}, {"file": "e.csv"}, {"edges": []}], ["star", "e.csv", "edges=[]"]),
        (
            [
                {"method": "best_of_k", "candidates": 2},
                {"method": "best_of_k", "candidates": 4},
                {"method": "reweighting"},
            ],
            ["best_of_k candidates=2", "best_of_k candidates=4", "reweighting"],
        ),
        ([{"method": "a"}, {"method": "a", "cap": 1}], ["a", "a cap=1"]),
        ([["x"], '["x"]'], ['["x"]', '["x"]']),
        ([{"method": "a"}, "a"], ["a method=a", "a"]),
    ],
)
def test_labels(values: list[Any], expected: list[Any]) -> None:
    assert labels(values) == expected


values = st.recursive(
    st.one_of(st.none(), st.integers(-3, 3), st.sampled_from(["a", "b", "none"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(["method", "k", "cap"]), inner, max_size=2)
    ),
    max_leaves=5,
)


@given(st.lists(values, min_size=1, max_size=5))
def test_equal_values_have_equal_labels_and_other_blocks_others(found: list[Any]) -> None:
    named = labels(found)
    for i, one in enumerate(found):
        for j, other in enumerate(found):
            if one == other and type(one) is type(other):
                assert named[i] == named[j]
            elif isinstance(one, dict) and isinstance(other, dict):
                assert named[i] != named[j]
