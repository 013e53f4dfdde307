"""``ecosystem influence``: what curation, or another lever, does to every model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ecosystem.cli import options
from ecosystem.extras import need

if TYPE_CHECKING:
    import pandas as pd

    from ecosystem.scenario.scenario import Scenario

PLOTS = "ecosystem.plots"
"""The group of entry points under which a package names functions that draw tables."""

_MOST = 12
_NOISE = 1e-12


def influence(
    path: Annotated[str, typer.Argument(metavar="PATH", help="Scenario file, or name of a shipped scenario.")],
    lever: Annotated[
        str,
        typer.Option(
            help="curation, an entry of the diet, temperature, candidates, edges, edge:FROM->TO or parameter:NAME."
        ),
    ] = "curation",
    round_: Annotated[
        int | None,
        typer.Option("--round", help="The round whose alignment is meant; the stable point by default.", min=0),
    ] = None,
    seed: Annotated[int, typer.Option(help="The run's seed.", min=0)] = 0,
    csv: Annotated[
        Path | None, typer.Option(help="Also write a row for each pair of model and lever.", show_default=False)
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(help="Also draw a heat map (of a sweep's first point), with arrows.", show_default=False),
    ] = None,
    set_: options.Set = None,
    allow_code: options.AllowCode = False,
) -> None:
    """Show what a lever does to every model's alignment, at the stable point or by a round.

    Of a scenario with a sweep, every point is shown. Where an ecosystem does not come to rest at a point
    that attracts, that is said, and there is no influence to show.
    """
    import pandas as pd

    from ecosystem.cli.terminal import one_line
    from ecosystem.influence.influence import as_rows
    from ecosystem.scenario.load import load_scenario
    from ecosystem.scenario.sweeps import points, variant
    from ecosystem.store.schema import swept_column

    scenario = load_scenario(path, options.overrides(set_), allow_code=allow_code)
    draw = None if plot is None else _drawing()
    found: list[pd.DataFrame] = []
    for point in points(scenario):
        told = ", ".join(f"{key} = {one_line(str(value))}" for key, value in point.items())
        print(f"{one_line(scenario.name)}{f' ({told})' if told else ''}")
        matrix = _show(variant(scenario, point), lever, round_, seed)
        if matrix is None:
            continue
        rows = as_rows(matrix)
        swept = {swept_column(key, rows.columns): [value] * len(rows) for key, value in point.items()}
        found.append(rows.assign(**swept))
    if not found:
        return
    if csv is not None:
        _write(csv, lambda file: pd.concat(found, ignore_index=True).to_csv(file, index=False))
    if draw is not None and plot is not None:
        figure = draw(found[0])
        _write(plot, lambda file: figure.savefig(file, dpi=150))


def _show(scenario: Scenario, lever: str, round_: int | None, seed: int) -> pd.DataFrame | None:
    """Print the verdict and the influence at one point of a sweep; return the matrix, if there is one."""
    from ecosystem.influence.influence import influence as matrix_of
    from ecosystem.influence.influence import influence_at
    from ecosystem.influence.stable import stable_point

    if round_ is not None:
        matrix = matrix_of(scenario, lever, seed, round_)
    else:
        point = stable_point(scenario, seed)
        print(f"  {point}")
        if not point.attracts:
            print("  no influence: this is not a stable point that attracts (--round N shows influence by a round)\n")
            return None
        matrix = influence_at(point, scenario, lever, seed)
    _print(matrix)
    negative = int((matrix < -_NOISE).to_numpy().sum())
    print(f"  {negative} of {matrix.notna().to_numpy().sum()} are negative{_own(matrix)}\n")
    return matrix


def _drawing() -> Callable[[pd.DataFrame], Any]:
    """Return what draws a table of influence: a function that another package offers."""
    from importlib.metadata import entry_points

    from ecosystem.errors import EcosystemError

    for entry in entry_points(group=PLOTS):
        if entry.name == "influence":
            need("--plot", "report", "matplotlib", "igraph")
            return entry.load()
    raise EcosystemError(f"--plot: no installed package draws influence (entry point {PLOTS}: influence)")


def _write(path: Path, write: Callable[[Path], object]) -> None:
    from ecosystem.errors import EcosystemError

    try:
        write(path)
    except (OSError, ValueError) as error:
        raise EcosystemError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from error
    print(f"written: {path.resolve()}")


def _own(matrix: pd.DataFrame) -> str:
    """Say for how many models curation backfires on themselves, where levers are models'."""
    if not set(matrix.columns) <= set(matrix.index):
        return ""
    own = matrix.loc[matrix.columns].to_numpy().diagonal()
    return f"; backfires on {int((own < -_NOISE).sum())} of {len(own)}"


def _print(matrix: pd.DataFrame) -> None:
    """Print the matrix, or of a large one the pairs with the largest influence."""
    from ecosystem.cli.terminal import one_line, print_table
    from ecosystem.influence.influence import as_rows

    if max(matrix.shape) <= _MOST:
        columns = ["affected \\ lever", *(one_line(str(name), 30) for name in matrix.columns)]
        rows = [
            [one_line(str(name), 30), *(f"{value:+.6g}" for value in row)]
            for name, row in zip(matrix.index, matrix.to_numpy(), strict=True)
        ]
        print_table(columns, rows, numbers=columns[1:])
        return
    pairs = as_rows(matrix).dropna()
    largest = pairs.sort_values("influence", key=abs, ascending=False)[:_MOST]
    rows = [
        [one_line(str(row.lever), 30), one_line(str(row.affected), 30), f"{row.influence:+.6g}"]
        for row in largest.itertuples()
    ]
    print(f"  the {len(rows)} largest of {len(pairs)} influences")
    print_table(["lever", "affected", "influence"], rows, numbers=["influence"])
