"""What counts as a mutant, and that the record of survivors speaks of mutants that there are."""

from __future__ import annotations

import tomllib
from pathlib import Path

from mutation.mutants import mutants_of
from mutation.record import explained

ROOT = Path(__file__).parents[2]
WRITTEN = '''"""A module: 1 + 1."""
LIMIT = 3


def of(x: float, at: int = -1) -> float:
    """Return 2 + 2."""
    if x < LIMIT and not x.held:
        raise ValueError(f"{x + 1} is too small by {LIMIT - 1}")
    return torch.where(x > 0.5, x.clamp_min(0.0) ** 2, x * x)
'''
EXPECTED = {
    ("", "LIMIT = 3", "LIMIT = 4"),
    ("", "LIMIT = 3", "LIMIT = 2"),
    ("", "def of(x: float, at: int = -1) -> float:", "def of(x: float, at: int = 0) -> float:"),
    ("", "def of(x: float, at: int = -1) -> float:", "def of(x: float, at: int = -2) -> float:"),
    *(
        ("of", "if x < LIMIT and not x.held:", f"if {test}:")
        for test in (
            "True",
            "False",
            "(x < LIMIT or not x.held)",
            "(x <= LIMIT) and not x.held",
            "(x >= LIMIT) and not x.held",
            "x < LIMIT and x.held",
        )
    ),
    ("of", 'raise ValueError(f"{x + 1} is too small by {LIMIT - 1}")', "pass"),
    *(
        ("of", "return torch.where(x > 0.5, x.clamp_min(0.0) ** 2, x * x)", f"return {value}")
        for value in (
            "(x.clamp_min(0.0) ** 2)",
            "(x * x)",
            "torch.where((x >= 0.5), x.clamp_min(0.0) ** 2, x * x)",
            "torch.where((x <= 0.5), x.clamp_min(0.0) ** 2, x * x)",
            "torch.where(x > 1.0, x.clamp_min(0.0) ** 2, x * x)",
            "torch.where(x > 0.5, (x.clamp_min(0.0) * 2), x * x)",
            "torch.where(x > 0.5, x.clamp_max(0.0) ** 2, x * x)",
            "torch.where(x > 0.5, x ** 2, x * x)",
            "torch.where(x > 0.5, x.clamp_min(1.0) ** 2, x * x)",
            "torch.where(x > 0.5, x.clamp_min(0.0) ** 3, x * x)",
            "torch.where(x > 0.5, x.clamp_min(0.0) ** 1, x * x)",
            "torch.where(x > 0.5, x.clamp_min(0.0) ** 2, (x / x))",
        )
    ),
}


def test_formulas_change_and_texts_do_not(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(WRITTEN)
    found = mutants_of(path, "module.py")
    assert {(mutant.function, mutant.was, mutant.now) for mutant in found} == EXPECTED
    assert len(found) == len(EXPECTED)
    for mutant in found:
        changed = set(mutant.source.splitlines()) - set(WRITTEN.splitlines())
        assert [line.strip() for line in changed] == [mutant.now] or mutant.now == "pass"
        assert WRITTEN.splitlines()[mutant.lines.start - 1].strip() == mutant.was


def test_mutants_that_read_alike_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text("def of(x):\n    x = x + 1\n    x = x + 1\n    return x\n")
    keys = [mutant.key for mutant in mutants_of(path, "module.py")]
    assert len(set(keys)) == len(keys) == 6
    assert [key[-1] for key in keys] == [1, 1, 1, 2, 2, 2]


def test_every_survivor_that_is_explained_is_a_mutant() -> None:
    reasons = explained()
    assert all(reasons.values())
    for module in {key[0] for key in reasons}:
        mutants = {mutant.key for mutant in mutants_of(ROOT / module, module)}
        gone = [key for key in reasons if key[0] == module and key not in mutants]
        assert not gone, "the code has changed: strike these from survivors.toml, or give what they have become"


def test_every_module_and_judge_is_there() -> None:
    rooms = tomllib.loads(Path(__file__).with_name("judges.toml").read_text(encoding="utf-8"))
    modules = [module for room in rooms.values() for module in room["modules"]]
    assert len(set(modules)) == len(modules)
    for name in (*modules, *(test for room in rooms.values() for test in room["tests"])):
        assert (ROOT / name.partition("::")[0]).exists(), name
