"""The command ``ecosystem report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecosystem.cli import options
from ecosystem.extras import need


def report(
    run: Annotated[Path, typer.Argument(help="A directory that `ecosystem run` wrote.")],
    out: Annotated[Path | None, typer.Option(help="Where to write the page; RUN/report.html by default.")] = None,
    allow_code: options.AllowCode = False,
) -> None:
    """Write one self-contained HTML page about a run: what was asked, what came out, how to do it again."""
    need("ecosystem report", "report", "jinja2", "matplotlib", "igraph")
    from analysis import plots, propagation
    from analysis.report.page import page
    from ecosystem import open_results
    from ecosystem.errors import EcosystemError

    results = open_results(run, allow_code=allow_code)
    target = run / "report.html" if out is None else out
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page(results), encoding="utf-8")
    except OSError as error:
        raise EcosystemError(f"cannot write {target}: {error.strerror}") from error
    print(f"report: {target.resolve()}")
    by_distance = propagation(results)
    if by_distance["distance"].nunique() > 1:
        picture = target.with_name("alignment_by_distance.png")
        plots.propagation(by_distance).savefig(picture, dpi=150)
        print(f"picture: {picture.resolve()}")
