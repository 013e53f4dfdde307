"""Formulas: what Arithmatex marks as TeX becomes MathML, which browsers draw without a script."""

from __future__ import annotations

import html
import re

from latex2mathml.converter import convert

_TEX = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)


def with_mathml(page: str) -> str:
    """Return a page's HTML with MathML for TeX."""
    return _TEX.sub(_converted, page)


def _converted(found: re.Match[str]) -> str:
    block = found[1] == "div"
    formula = convert(html.unescape(found[2]), display="block" if block else "inline")
    return f"<{found[1]} class=formula>{formula}</{found[1]}>"
