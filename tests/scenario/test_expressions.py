"""Behaviour: arithmetic over parameters, and nothing but arithmetic."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecosystem.scenario import Scenario
from ecosystem.scenario.expressions import literals_in, resolve
from scenario.valid import SMALL

VALUES = [
    ("= 1 - lam", 0.75),
    ("=lam*(1-c)", 0.125),
    ("= 2 ** 3 // 3 % 2", 0),
    ("= 7 / 2", 3.5),
    ("= 6 / 2", 3),
    ("= -lam + +c", 0.25),
    ("= min(lam, c, 3)", 0.25),
    ("= max(1, 2) if lam < c else 5", 2),
    ("= 1 if not (lam > c or lam == c) and c <= 1 else 0", 1),
    ("= abs(-3)", 3),
    ("= exp(log(2))", 2),
    ("= log(8, 2)", 3),
    ("= sqrt(2)", math.sqrt(2)),
    ("= round(2.6)", 3),
    ("= round(2.64, 1)", 2.6),
    ("= floor(2.6) + ceil(2.2)", 5),
    ("= cos(2 * pi)", 1),
    ("= inf", math.inf),
    ("= 1e-3", 0.001),
    ("= log10(e ** 0)", 0),
    ("= 2 ** 512", 2**512),
    ("= round(pi, 15)", round(math.pi, 15)),
    ("= " + "abs(" * 50 + "2" + ")" * 50, 2),
]


@pytest.mark.parametrize(("text", "value"), VALUES)
def test_value(text: str, value: float) -> None:
    found = _value(text)
    assert found == pytest.approx(value, abs=0, rel=1e-15)
    assert isinstance(found, int) or not float(found).is_integer()


def test_parameters_refer_to_one_another_in_any_order() -> None:
    data = {"parameters": {"a": "= b * 2", "b": "= c + 1", "c": 3, "λ": "= a"}, "rounds": "= λ"}
    resolved, problems = resolve(data)
    assert not problems
    assert resolved == {"parameters": {"a": 8, "b": 4, "c": 3, "λ": 8}, "rounds": 8}


def test_names_are_normalised_as_python_does() -> None:
    micro, mu = "\N{MICRO SIGN}", "\N{GREEK SMALL LETTER MU}"
    assert resolve({"parameters": {micro: 2}, "rounds": f"= {mu} + {micro}"})[0]["rounds"] == 4


def test_what_is_written_is_not_modified() -> None:
    models = [{"diet": {"raw": 1}}]
    data = {"parameters": {"a": 1}, "rounds": "= a", "models": models}
    resolved, _ = resolve(data)
    assert data["rounds"] == "= a"
    assert resolved["models"] is models


def test_texts_and_keys_are_no_expressions() -> None:
    data = {"name": "= a", "description": "= b", "source": "= c", "= d": 1, "expect": [{"source": "= e"}]}
    assert resolve(data) == (data, [])


REFUSED = [
    ("= __import__('os')", "there is no function '__import__'"),
    ("= ().__class__", "an expression may hold numbers"),
    ("= lam.real", "an expression may hold numbers"),
    ("= [1, 2][0]", "an expression may hold numbers"),
    ("= 'text'", "an expression may hold numbers"),
    ("= 1j", "an expression may hold numbers"),
    ("= True", "an expression may hold numbers"),
    ("= [x for x in (1, 2)]", "an expression may hold numbers"),
    ("= lambda: 1", "an expression may hold numbers"),
    ("= f'{lam}'", "an expression may hold numbers"),
    ("= (x := 3)", "an expression may hold numbers"),
    ("= 1 << 3", "an expression may hold numbers"),
    ("= 2 ^ 3", "a power is written **"),
    ("= 1; 2", "is not arithmetic"),
    ("= 1 +", "is not arithmetic"),
    ("=", "an expression stands after = (got nothing)"),
    ("= lamb", "there is no parameter 'lamb'; did you mean 'lam'?"),
    ("= max", "max is a function; write max(…)"),
    ("= maximum(1, 2)", "there is no function 'maximum'"),
    ("= eval(1)", "there is no function 'eval'"),
    ("= max(1)", "max takes 2 or more arguments (got 1"),
    ("= sqrt(1, 2)", "sqrt takes 1 arguments (got 2"),
    ("= round(1.5, decimals=2)", "round takes its arguments without names"),
    ("= log()", "log takes 1 or 2 arguments (got 0"),
    ("= log(8, 2, 1)", "log takes 1 or 2 arguments (got 3"),
    ("= round(1, 10**9)", "round takes a whole number of decimals"),
    ("= round(pi, 16)", "round takes a whole number of decimals"),
    ("= lam ^", "is not arithmetic (got '= lam ^'); a power is written **"),
    ("= " + "abs(" * 51 + "2" + ")" * 51, "is nested more than 50 deep"),
    ("= 1 / (lam - 0.25)", "divides by zero"),
    ("= 1 % 0", "divides by zero"),
    ("= exp(1000)", "is too large for a number"),
    ("= 1e308 * 10", "is too large for a number"),
    ("= 9 ** 9 ** 9", "is too large for a number"),
    ("= 10.0 ** 400", "is too large for a number"),
    ("= 2 ** 1024", "is too large for a number"),
    ("= 1e999", "is too large for a number"),
    ("= (-1) ** 0.5", "is not a real number"),
    ("= inf - inf", "is not a real number"),
    ("= log(-1)", "has no value"),
    ("= lam < c", "is true or false, not a number"),
    ("= lam.real(1)", "an expression may hold numbers"),
    ("= min(1)", "min takes 2 or more arguments (got 1"),
    ("= " + "-" * 200 + "1", "is nested more than 50 deep"),
    ("= " + "(" * 400 + "1" + ")" * 400, "is not arithmetic"),
    ("= " + "1 + " * 500 + "1", "an expression has at most 1000 characters"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_refused_in_one_message(text: str, message: str) -> None:
    started = time.perf_counter()
    resolved, problems = resolve({"parameters": {"lam": 0.25, "c": 0.5}, "learning": {"rate": text}})
    assert time.perf_counter() - started < 0.5
    (problem,) = problems
    assert problem.path == ("learning", "rate")
    assert message in problem.message
    assert resolved["learning"]["rate"] == text


def test_who_writes_no_power_is_not_told_how() -> None:
    _, (problem,) = resolve({"parameters": {}, "learning": {"rate": "= 1 +"}})
    assert "**" not in problem.message


def test_a_circle_is_one_problem() -> None:
    data = {"parameters": {"a": "= b", "b": "= c", "c": "= a + 1", "d": "= a"}, "rounds": "= d"}
    (problem,) = resolve(data)[1]
    assert problem.path == ("parameters", "a")
    assert problem.message == "parameters refer to one another in a circle: a → b → c → a"


def test_two_circles_are_two_problems() -> None:
    data = {"parameters": {"a": "= a", "x": 1, "c": "= b", "b": "= x + c"}}
    assert [problem.path[1] for problem in resolve(data)[1]] == ["a", "c"]


def test_what_needs_a_broken_parameter_is_not_told_of() -> None:
    (problem,) = resolve({"parameters": {"a": "= nowhere"}, "rounds": "= a", "seeds": "= a + 1"})[1]
    assert problem.path == ("parameters", "a")


@pytest.mark.parametrize("name", ["lambda", "a b", "_a", "1a", "pi", "max", "e"])
def test_names_that_expressions_cannot_use(name: str) -> None:
    (problem,) = resolve({"parameters": {name: 1}})[1]
    assert problem.path == ("parameters", name)


def test_parameters_may_form_a_long_chain() -> None:
    chain: dict[str, Any] = {f"a{n}": f"= a{n + 1}" for n in range(3000)}
    resolved, problems = resolve({"parameters": {**chain, "a3000": 1}})
    assert not problems
    assert resolved["parameters"]["a0"] == 1


@settings(max_examples=300, deadline=None)
@given(st.text("0123456789.+-*/%()<>=, eabclmxp_ifns[]'\"", max_size=30))
def test_any_text_gives_a_number_or_one_problem(text: str) -> None:
    resolved, problems = resolve({"parameters": {"a": 2}, "rounds": f"={text}"})
    if problems:
        assert len(problems) == 1
    else:
        assert type(resolved["rounds"]) in (int, float)


def _value(text: str) -> Any:
    resolved, problems = resolve({"parameters": {"lam": 0.25, "c": 0.5}, "rounds": text})
    assert not problems
    return resolved["rounds"]


_trees = st.recursive(
    st.sampled_from([1, 0.5, "word", "= lam", "= lam + 1", None, True]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from("abc"), _trees), st.sampled_from("abc"), _trees)
def test_parts_that_are_known_to_hold_no_expression_change_nothing(tree: Any, key: str, value: Any) -> None:
    tree = {"parameters": {"lam": 2}, **tree}
    known = literals_in(tree)
    assert resolve(tree, known) == resolve(tree)
    changed = {**tree, key: [tree.get(key), value]}
    assert resolve(changed, known) == resolve(changed)


def test_parts_that_hold_no_expression_are_not_looked_through() -> None:
    class Row(list[float]):
        def __iter__(self) -> Any:
            raise AssertionError("looked through")

    row = Row([1.0, 2.0])
    assert resolve({"real": row}, {id(row): row}) == ({"real": row}, [])


def test_a_variant_is_what_its_settings_make_when_a_part_without_expressions_gets_one() -> None:
    scenario = Scenario(**SMALL)
    for key, value in {"models.q.diet": {"raw": "= 2 * lam"}, "rewards.first": ["= lam", 1], "lam": 0.25}.items():
        found = scenario.with_({key: value})
        assert Scenario(**found.document.data) == found
