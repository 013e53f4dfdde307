"""The mutants of a module: every small change that turns one formula into another.

A mutant is a change of text at one node of the syntax tree: another operator, a number moved by one or doubled, a
branch that is always or never taken, a method that is left out or replaced by its opposite. Messages, annotations,
docstrings and assertions are left alone: no number depends on them.
"""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
OPPOSITES = {
    one: other
    for pair in (
        ("all", "any"),
        ("amax", "amin"),
        ("argmax", "argmin"),
        ("ceil", "floor"),
        ("clamp_max", "clamp_min"),
        ("cos", "sin"),
        ("exp", "expm1"),
        ("log", "log1p"),
        ("max", "min"),
        ("maximum", "minimum"),
        ("mean", "sum"),
        ("ones", "zeros"),
        ("ones_like", "zeros_like"),
        ("var", "std"),
    )
    for one, other in (pair, pair[::-1])
}
LEFT_OUT = frozenset(
    [
        *("abs", "clamp", "clamp_max", "clamp_min", "clip", "clone", "contiguous", "cumsum", "detach", "div", "exp"),
        *("expm1", "fillna", "flip", "log", "log1p", "masked_fill", "nan_to_num", "neg", "round", "sort"),
        *("sort_values", "sqrt", "square", "transpose", "where"),
    ]
)
"""Methods whose result is of the kind of what they are called on."""


@dataclass(frozen=True)
class Mutant:
    """One change of one module.

    Attributes
    ----------
    module : str
        The file, from the root of the project.
    function : str
        Qualified name of the outermost function around the change; empty where the change acts on import.
    was, now : str
        The lines that change, before and after, without what is around them.
    lines : range
        Lines of the statement that the change is part of.
    source : str
        The whole module after the change.
    nth : int
        Which one of those that read alike, from 1.
    """

    module: str
    function: str
    was: str
    now: str
    lines: range
    source: str
    nth: int = 1

    @property
    def key(self) -> tuple[str, str, str, str, int]:
        """What names the mutant also after lines have moved."""
        return self.module, self.function, self.was, self.now, self.nth


def mutants_of(path: Path, module: str) -> list[Mutant]:
    """Return the mutants of a file; a change that leaves it as it is, or that is no Python, is none."""
    source = path.read_text(encoding="utf-8")
    finder = _Finder(source)
    finder.visit(ast.parse(source))
    found, same = [], Counter[tuple[str, str, str]]()
    plain = ast.dump(ast.parse(source))
    seen = {plain}
    for mutant in finder.found:
        changed = replace(mutant, module=module)
        try:
            tree = ast.dump(ast.parse(changed.source))
        except SyntaxError:
            continue
        if tree in seen:
            continue
        seen.add(tree)
        reads = (changed.function, changed.was, changed.now)
        same[reads] += 1
        found.append(replace(changed, nth=same[reads]))
    return found


class _Finder(ast.NodeVisitor):
    """Walks over a module and keeps every change that may be made."""

    def __init__(self, source: str) -> None:
        self._lines = source.encode().splitlines(keepends=True)
        self._scope: list[str] = []
        self._function = ""
        self._statement: ast.stmt | None = None
        self.found: list[Mutant] = []

    # Where the walk goes, and where not

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.stmt):
            outer, self._statement = self._statement, node
            super().visit(node)
            self._statement = outer
        else:
            super().visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None:
                self.visit(default)
        outer = self._function
        self._scope.append(node.name)
        self._function = outer or ".".join(self._scope)
        for statement in node.body:
            self.visit(statement)
        self._function = outer
        self._scope.pop()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._scope.append(node.name)
        for statement in node.body:
            self.visit(statement)
        self._scope.pop()

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None and not (isinstance(node.annotation, ast.Name) and node.annotation.id == "TypeAlias"):
            self.visit(node.value)

    def visit_Raise(self, node: ast.Raise) -> None:
        self._change(node, "pass")

    def visit_Assert(self, node: ast.Assert) -> None:
        pass

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        pass

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        pass

    # What is changed

    def visit_BinOp(self, node: ast.BinOp) -> None:
        other = OPERATORS.get(type(node.op))
        if other is not None and not _is_text(node):
            self._change(node, ast.BinOp(node.left, other(), node.right))
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        other = OPERATORS.get(type(node.op))
        if other is not None and not _is_text(node.value):
            self._change(node, ast.AugAssign(node.target, other(), node.value))
            self._change(node, "pass")
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.USub) and _is_number(node.operand):
            self._numbers(node, -node.operand.value)  # type: ignore[attr-defined]
            return
        self._change(node, node.operand)
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        for at, operator in enumerate(node.ops):
            for other in COMPARISONS[type(operator)]:
                self._change(
                    node, ast.Compare(node.left, [*node.ops[:at], other(), *node.ops[at + 1 :]], node.comparators)
                )
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        self._change(node, ast.BoolOp(other, node.values))
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self._change(node, ast.Constant(not node.value))
        elif _is_number(node):
            self._numbers(node, node.value)

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in OPPOSITES:
            func = (
                ast.Attribute(node.func.value, OPPOSITES[name])
                if isinstance(node.func, ast.Attribute)
                else ast.Name(OPPOSITES[name])
            )
            if isinstance(func, ast.Attribute) or name in ("all", "any", "max", "min"):
                self._change(node, ast.Call(func, node.args, node.keywords))
        if name == "where" and len(node.args) == 3:
            self._change(node, node.args[1])
            self._change(node, node.args[2])
        elif name in LEFT_OUT and isinstance(node.func, ast.Attribute):
            of = node.func.value
            library = isinstance(of, ast.Name) and of.id in ("torch", "math", "np", "special")
            if not library:
                self._change(node, of)
            elif node.args:
                self._change(node, node.args[0])
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call):
            self._change(node, "pass")
        if not isinstance(node.value, ast.Constant):
            self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        if not (isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"):
            self._either_way(node.test)
            self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._change(node, node.body)
        self._change(node, node.orelse)
        self.generic_visit(node)

    def visit_While(self, node: ast.While) -> None:
        self._change(node.test, ast.Constant(False))
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for test in node.ifs:
            self._either_way(test)
        self.generic_visit(node)

    def visit_For(self, node: ast.For) -> None:
        self._change(node.iter, ast.Tuple([], ast.Load()))
        self.generic_visit(node)

    def visit_Break(self, node: ast.Break) -> None:
        self._change(node, "continue")

    def visit_Continue(self, node: ast.Continue) -> None:
        self._change(node, "break")

    def _either_way(self, test: ast.expr) -> None:
        self._change(test, ast.Constant(True))
        self._change(test, ast.Constant(False))

    def _numbers(self, node: ast.expr, value: float) -> None:
        """Whole numbers move by one to both sides, others are doubled; nothing becomes one."""
        others = (value + 1, value - 1) if isinstance(value, int) else (2 * value if value else 1.0,)
        for other in others:
            self._change(node, ast.Constant(other))

    def _change(self, node: ast.expr | ast.stmt, new: ast.AST | str) -> None:
        """Keep the module in which a node reads otherwise."""
        text = new if isinstance(new, str) else ast.unparse(new)
        if isinstance(new, ast.expr) and not isinstance(new, ast.Constant | ast.Name | ast.Call | ast.Attribute):
            text = f"({text})"
        first, last = node.lineno - 1, node.end_lineno - 1  # type: ignore[operator]
        before = self._lines[first][: node.col_offset]
        after = self._lines[last][node.end_col_offset :]
        changed = before + text.encode() + after
        whole = b"".join([*self._lines[:first], changed, *self._lines[last + 1 :]])
        self.found.append(
            Mutant(
                module="",
                function=self._function,
                was=_one_line(b"".join(self._lines[first : last + 1])),
                now=_one_line(changed),
                lines=self._reach(),
                source=whole.decode(),
            )
        )

    def _reach(self) -> range:
        """Lines that a test must run to meet the change: a simple statement's, or a compound one's head."""
        statement = self._statement
        assert statement is not None
        body = getattr(statement, "body", None)
        end = body[0].lineno if body else (statement.end_lineno or statement.lineno) + 1
        return range(statement.lineno, max(end, statement.lineno + 1))


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def _is_text(node: ast.AST) -> bool:
    """Whether an expression joins texts."""
    if isinstance(node, ast.BinOp):
        return _is_text(node.left) or _is_text(node.right)
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _one_line(text: bytes) -> str:
    return " ".join(text.decode().split())
