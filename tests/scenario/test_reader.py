"""Behaviour: what YAML means, where it stands, and what is refused."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecosystem.errors import InputError, Place
from ecosystem.scenario.reader import MAX_VALUES, parse, parse_value, read
from ecosystem.scenario.scenario import Scenario
from scenario.valid import WHOLE

MEANINGS = [
    ("", None),
    ("~", None),
    ("null", None),
    ("true", True),
    ("False", False),
    ("yes", "yes"),
    ("no", "no"),
    ("on", "on"),
    ("off", "off"),
    ("y", "y"),
    ("12:30", "12:30"),
    ("2024-01-31", "2024-01-31"),
    ("1_000", "1_000"),
    ("0o17", 15),
    ("0x1F", 31),
    ("0b11", "0b11"),
    ("014", 14),
    ("-014", -14),
    ("+3", 3),
    ("1e-3", 0.001),
    ("1e3", 1000.0),
    (".5", 0.5),
    ("1.", 1.0),
    ("-.inf", -math.inf),
    (".INF", math.inf),
    ("inf", "inf"),
    ("nan", "nan"),
    ("1e", "1e"),
    ("= 1 - lam", "= 1 - lam"),
    ("'1'", "1"),
    ('"null"', "null"),
    ("=", "="),
]


@pytest.mark.parametrize(("text", "value"), MEANINGS)
def test_plain_scalars_mean_what_yaml_1_2_says(text: str, value: object) -> None:
    found = parse(f"key: {text}\n").data["key"]
    assert found == value
    assert type(found) is type(value)


def test_not_a_number_is_read_as_such() -> None:
    assert math.isnan(parse("key: .nan").data["key"])


def test_keys_are_text_or_whole_numbers() -> None:
    assert parse("{0: a, no: b, 1.5: c, '2': d}").data == {0: "a", "no": "b", "1.5": "c", "2": "d"}


def test_every_value_has_a_place() -> None:
    document = parse("a: 1\nb:\n  - x\n  - {c: é, d: [2]}\n", "f.yaml")
    assert document.place(("a",)) == Place("f.yaml", 1, 4)
    assert document.place(("b", 1, "d", 0)) == Place("f.yaml", 4, 16)
    assert document.place(("b", 1, "d"), of_key=True) == Place("f.yaml", 4, 12)
    assert document.place(("b", 0, "missing", "deeper")) == Place("f.yaml", 3, 5)


def test_too_many_values_are_refused_before_all_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecosystem.scenario.reader.MAX_VALUES", 10)
    assert parse("[1, 2, 3, 4, 5, 6, 7, 8, 9]").data == list(range(1, 10))
    assert _told("[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]").startswith("f.yaml:1:1: has more than 10 values; ")


def test_aliases_are_copied() -> None:
    data = parse("a: &x {b: [1]}\nc: *x\n").data
    assert data == {"a": {"b": [1]}, "c": {"b": [1]}}
    assert data["a"] is not data["c"]


def test_a_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "marked.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read(path).data == {"a": 1}
    assert read(path).base == tmp_path


def test_values_of_the_command_line() -> None:
    assert parse_value("= max(1, lam)") == "= max(1, lam)"
    assert parse_value(" ") is None
    with pytest.raises(InputError, match="already written"):
        parse_value("{a: 1, a: 2}")


REFUSED = [
    ("a: 1\nb: {c: 1, c: 2}\n", "f.yaml:2:11: b.c: this key is already written at 2:5"),
    ("1: a\n01: b\n", "f.yaml:2:1: [1]: this key is already written at 1:1"),
    ("a: !!int 3\n", "f.yaml:1:4: a: tags such as 'tag:yaml.org,2002:int' are not read"),
    ("a: !!python/object:os.system {}\n", "f.yaml:1:4: a: tags such as"),
    ("a: !local {}\n", "f.yaml:1:4: a: tags such as '!local' are not read"),
    ("a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document begins here"),
    ("", "f.yaml:1:1: is empty; a scenario is a mapping, and begins with its name"),
    ("# only a comment\n", "f.yaml:1:1: is empty; a scenario is a mapping, and begins with its name"),
    ("a: &x [*x]\n", r"f.yaml:1:4: an alias (*) stands inside its own anchor (&)"),
    ("a: *x\n", "f.yaml:1:4: is not YAML: found undefined alias"),
    ("a: [1\nb: 2\n", "f.yaml:2:2: is not YAML: did not find expected ',' or ']'"),
    ("a: b: c\n", "f.yaml:1:5: is not YAML: mapping values are not allowed"),
    ("a:\n\t- 1\n", "f.yaml:2:1: a tab stands here; indent with spaces"),
    ("a: @b\n", "f.yaml:1:4: is not YAML: text that begins with '@' must be quoted"),
    ("a: \x00\n", "f.yaml:1:4: the character '\\x00' cannot stand in YAML"),
    ("[" * 5000, "f.yaml:1:60: is nested more than 60 levels deep"),
    ("a: 1e999\n", "f.yaml:1:4: a: '1e999' is too large for a number; write inf for infinity"),
    ("a: 1" + "0" * 5000 + "\n", "is too large for a number"),
    ("a: 0x1" + "0" * 5000 + "\n", "is too large for a number"),
    ("<<: {a: 1}\n", "f.yaml:1:1: merge keys (<<) are no part of YAML 1.2"),
    ("? [a]\n: 1\n", "f.yaml:1:3: a key must be a word or a number, not a list or a mapping"),
    ("null: 1\n", "f.yaml:1:1: a key must be a word or a number (got null)"),
    ("true: 1\n", "f.yaml:1:1: a key must be a word or a number (got true)"),
    ("a: {b: = max(1, 2)}\n", "f.yaml:1:8: a.b: an expression with a comma must be quoted inside {} and []"),
    ("a: [= max(1, 2)]\n", "f.yaml:1:5: a[0]: an expression with a comma must be quoted"),
    ("a: [{b:\n  = min(c, d, 2), e: 1}]\n", "f.yaml:2:3: a[0].b: an expression with a comma must be quoted"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_refused_with_place_and_reason(text: str, message: str) -> None:
    assert message in _told(text)


def test_each_cut_expression_is_told_of_once() -> None:
    told = _told("a: {b: = max(1, 2), c: = max(3, 2), d: = min(1, lam)}\n").splitlines()
    assert len(told) == 3
    assert all("must be quoted" in line for line in told)


def test_aliases_cannot_expand_without_bound() -> None:
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    bomb = "\n".join(["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]", *levels])
    assert f"has more than {MAX_VALUES:,} values once aliases are expanded" in _told(bomb)


def test_aliases_cannot_nest_without_bound() -> None:
    chain = "\n".join(["a0: &a0 1", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 2000))])
    assert "is nested more than 60 levels deep" in _told(chain)


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=60) | st.text("{}[]:,-=&*a1\n '\"#|>!?", max_size=60))
def test_random_text_gives_data_or_an_input_error(text: str) -> None:
    _load_or_refuse(text)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_spoilt_scenario_loads_or_gives_an_input_error(data: st.DataObject) -> None:
    text = WHOLE
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        stop = data.draw(st.integers(start, min(start + 8, len(text))))
        text = text[:start] + data.draw(st.text("{}[]:,-=&*0159.einf\n '\"()x", max_size=5)) + text[stop:]
    _load_or_refuse(text)


def _load_or_refuse(text: str) -> None:
    try:
        Scenario.from_document(parse(text, "f.yaml"))
    except InputError as error:
        assert error.problems
        assert all(problem.message for problem in error.problems)


def _told(text: str) -> str:
    try:
        problems = parse(text, "f.yaml").problems
    except InputError as error:
        return str(error)
    return "\n".join(map(str, problems))
