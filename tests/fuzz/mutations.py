"""Scenario files spoilt in many ways, as hypothesis strategies: in their text, or in their tree."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml
from hypothesis import strategies as st

from ecosystem.scenario.reader import parse
from ecosystem.scenario.shipped import shipped
from tests.fuzz.whole import WHOLE

EMOJI = "\N{PILE OF POO}" * 2500

NASTY: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 0.5, 1.5, -0.0, 1e-320, 1e308, -1e308, 2**31, 2**53, 2**63, 10**30, 10**400),
    *(float("nan"), float("inf"), float("-inf"), "inf", "-inf", "nan", 1_000_000, 1e9, 10**9),
    *("", " ", "~", "-", "con", "../../x", "..", ".", "/", "/tmp/fuzzed", "/dev/zero", "points.csv", "edges.csv"),
    *("a\nb", "a\0b", "\x1b[31m", "\ud800", "‮", "é", EMOJI, "x" * 10_000, "'; drop", "<img src=x>", "%s{}"),
    *("= 1 / 0", "= 9 ** 9 ** 9", "= -1", "= lam", "= x", "=", "= __import__('os')", "= (1", "= 1e308 * 10", "= 0 / 0"),
    *("= " + "(" * 200, "= " + "-" * 400 + "1", "= 1 if 1 else 2", "= max(1, 2)", "= log(0)", "= " + "1+" * 499 + "1"),
    *([], {}, [[]], [{}], [0], [1, 0], [1] * 1000, [[0.5, 0.5]] * 3, [1, "a", None], {"a": 1}, {"name": "p"}),
    *({"draw": "dirichlet"}, {"draw": "normal", "scale": 1e300}, {"mean": [0, 0], "covariance": 0}, {"from": "runs/x"}),
    *({"grid": {"lam": [0.1, 0.2]}}, {"table": "points.csv"}, {"sobol": {"samples": 8, "ranges": {"lam": [0, 1]}}}),
    *({"latin_hypercube": {"samples": 10**12, "ranges": {"lam": [0, 1]}}}, {"zip": {"rounds": [1, 2]}}),
    *({"file": "edges.csv"}, {"generator": "erdos_renyi_graph", "n": 5, "p": 0.5}, {"window": 10**9}, {"max": 10**12}),
)
"""Values that stand where they should not."""

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)

NUMBERS = (0, 1, 2, 3, 5, 10, 100, 1000, -1, 0.1, 0.25, 0.5, 0.9, 1e-3, 1e-9, 1e-300, 1e3, 1e6, 1e300, "inf")
"""Numbers that may well be taken."""

TEXTS = (
    *"\t\0\x07\r\n\u2028\ufeff\x85]}'\"?,#",
    *(EMOJI, "[" * 100, "{" * 100, "- " * 100, "|\n", ">\n", "= ", "\n  ", "null", "1e999", ".nan", "-.inf", "9" * 500),
    *(
        ": ",
        "&a ",
        "*a",
        "<<: *a",
        "!!python/object/apply:os.system [ls]",
        "!x ",
        "---\n",
        "...\n",
        "%YAML 1.1\n",
        BOMB,
    ),
    *("name: again\n", "rounds: 1000000000000\n", "seeds: 1000000000000\n", "sweep: {table: points.csv}\n"),
    *("{count: 1000000000}", "{count: 1000000}", f"sweep: {{grid: {{rounds: {list(range(1, 2000))}}}}}\n"),
)

ENCODINGS = ("utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252", "utf-7", "shift-jis")

CELLS = ("lam", "0.5", "rounds", "= lam", '"', "", "[1", "inf", ".nan", "learning.rate", "x y", "\0", "1e999", "{a: 1}")


@dataclass(frozen=True)
class Case:
    """The files that a case is made of; `scenario` is YAML, more or less."""

    scenario: bytes
    points: bytes = b"lam\n0.1\n0.2\n"
    edges: bytes = b"from,to\np,q\n"


@cache
def _scenarios() -> list[str]:
    """Return scenarios to spoil; one with thousands of models only takes its time."""
    found = [path.read_text(encoding="utf-8") for name, path in shipped().items() if name != "scale_free_curated"]
    return [*found, *WHOLE * 3]


@st.composite
def texts(draw: st.DrawFn) -> Case:
    """Draw a shipped scenario whose text was spoilt in one to four places."""
    text = draw(st.sampled_from(_scenarios()))
    for _ in range(draw(st.integers(1, 4))):
        text = draw(st.sampled_from(_SPOILERS))(draw, text)
    if draw(st.integers(0, 9)) == 0:
        return Case(text.encode(draw(st.sampled_from(ENCODINGS)), "replace"))
    return Case(text.encode("utf-8", "surrogatepass"))


def _cut(draw: st.DrawFn, text: str) -> str:
    start = draw(st.integers(0, len(text)))
    return text[:start] + text[start + draw(st.sampled_from([1, 1, 2, 5, 20, 10**6])) :]


def _insert(draw: st.DrawFn, text: str) -> str:
    start = draw(st.integers(0, len(text)))
    return text[:start] + draw(st.sampled_from(TEXTS) | st.text(max_size=8)) + text[start:]


def _lines(draw: st.DrawFn, text: str) -> str:
    lines = text.split("\n")
    place, other = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
    kind = draw(st.sampled_from(["drop", "double", "swap", "indent", "many"]))
    if kind == "drop":
        del lines[place]
    elif kind == "double":
        lines.insert(other, lines[place])
    elif kind == "swap":
        lines[place], lines[other] = lines[other], lines[place]
    elif kind == "indent":
        lines[place] = draw(st.sampled_from([" ", "  ", "\t", "- "])) + lines[place]
    else:
        lines[place:place] = [lines[place]] * 300
    return "\n".join(lines)


def _word(draw: st.DrawFn, text: str) -> str:
    """Put something else in the place of a word."""
    starts = [i for i in range(1, len(text)) if text[i].isalnum() and not text[i - 1].isalnum()]
    if not starts:
        return text
    start = draw(st.sampled_from(starts))
    end = start
    while end < len(text) and (text[end].isalnum() or text[end] in "._"):
        end += 1
    value = draw(st.sampled_from(NASTY))
    return text[:start] + (value if isinstance(value, str) else _flow(value)) + text[end:]


_SPOILERS: tuple[Callable[[st.DrawFn, str], str], ...] = (_cut, _insert, _lines, _word, _word)


@st.composite
def trees(draw: st.DrawFn) -> Case:
    """Draw a shipped scenario in whose tree one to three values were replaced, dropped, doubled or moved."""
    tree: Any = json.loads(json.dumps(parse(draw(st.sampled_from(_scenarios()))).data))
    kinds = draw(st.sampled_from([_ROUGH, _GENTLE, _GENTLE]))
    for _ in range(draw(st.integers(1, 3))):
        _spoil(draw, tree, kinds)
    cells = st.lists(st.lists(st.sampled_from(CELLS), min_size=1, max_size=3).map(",".join), max_size=4)
    points = "\n".join(draw(cells)) if draw(st.booleans()) else "lam\n0.1\n0.2\n"
    flow = draw(st.booleans())
    text = _flow(tree) if flow else yaml.dump(tree, allow_unicode=True, sort_keys=False, width=10**6)
    return Case(text.encode("utf-8", "surrogatepass"), points.encode())


def _spoil(draw: st.DrawFn, tree: Any, kinds: Sequence[str]) -> None:
    node, before = tree, None
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return
        key = draw(st.sampled_from(keys))
        inner = node[key]
        if not isinstance(inner, (dict, list)) or draw(st.integers(0, 3)) == 0:
            break
        node, before = inner, node
    kind = draw(st.sampled_from(kinds))
    if kind == "drop":
        del node[key]
    elif kind == "add" and isinstance(node, dict):
        name = draw(st.sampled_from(NASTY))
        node[name if isinstance(name, (str, int)) else "extra"] = _drawn(draw, NASTY)
    elif kind == "add":
        node.append(copy.deepcopy(inner))
    elif kind == "nest":
        for _ in range(draw(st.sampled_from([1, 2, 70, 500]))):
            inner = [inner] if draw(st.booleans()) else {"a": inner}
        node[key] = inner
    elif kind == "move" and isinstance(before, dict):
        before[draw(st.sampled_from(list(before)))] = copy.deepcopy(inner)
    elif kind == "graft":
        node[key] = _drawn(draw, _grafts().get(key, NASTY))
    elif isinstance(inner, str) and kind in ("word", "number"):
        node[key] = draw(st.sampled_from(_words()))
    elif isinstance(inner, (int, float)) and kind in ("word", "number"):
        node[key] = draw(st.sampled_from(NUMBERS) | st.floats(0, 1) | st.integers(0, 12))
    else:
        node[key] = _drawn(draw, NASTY)


_ROUGH = ("replace", "drop", "add", "nest", "move", "graft", "word", "number")
_GENTLE = ("graft", "word", "number", "number", "drop")
"""Changes that may well leave a scenario that can be run."""


def _drawn(draw: st.DrawFn, values: Sequence[Any]) -> Any:
    return copy.deepcopy(draw(st.sampled_from(values)))  # a later mutation may change it


@cache
def _grafts() -> dict[Any, list[Any]]:
    """Return what stands under each key of any scenario."""
    found: dict[Any, list[Any]] = {}
    for text in _scenarios():
        for key, value in _entries(parse(text).data):
            if value not in found.setdefault(key, []):
                found[key].append(value)
    return found


@cache
def _words() -> list[str]:
    """Return the words of all scenarios: names, methods, expressions."""
    return sorted({each for values in _grafts().values() for each in values if isinstance(each, str)})


def _entries(value: Any) -> Iterator[tuple[Any, Any]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        yield key, inner
        yield from _entries(inner)


def _flow(value: Any) -> str:
    """Write a value as JSON, which is YAML but for the numbers that JSON lacks."""
    text = json.dumps(value, ensure_ascii=False)
    return text.replace("NaN", ".nan").replace("-Infinity", "-.inf").replace("Infinity", ".inf")
