"""``ecosystem plan``: where a budget of curation does most."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecosystem.cli import options

if TYPE_CHECKING:
    from ecosystem.influence.planner import CurationPlan

_MOST = 20


def plan(
    path: Annotated[str, typer.Argument(metavar="PATH", help="Scenario file, or name of a shipped scenario.")],
    budget: Annotated[
        float | None,
        typer.Option(help="The most curation there may be; what there is now by default.", show_default=False),
    ] = None,
    models: Annotated[
        bool, typer.Option("--models", help="The budget is a number of curated models, not a sum of shares.")
    ] = False,
    aim: Annotated[
        str,
        typer.Option(help="mean or worst alignment, an entry of models (their mean), or weights such as p=1,q=0.5."),
    ] = "mean",
    cap: Annotated[float, typer.Option(help="The largest curated share of a model.")] = 0.95,
    seed: Annotated[int, typer.Option(help="The run's seed.", min=0)] = 0,
    csv: Annotated[Path | None, typer.Option(help="Also write every model's shares.", show_default=False)] = None,
    set_: options.Set = None,
    allow_code: options.AllowCode = False,
) -> None:
    """Find where a budget of curation does most, beside simple ways to divide it."""
    import pandas as pd

    from ecosystem.cli.terminal import one_line
    from ecosystem.errors import EcosystemError
    from ecosystem.influence.planner import plan as plan_of
    from ecosystem.scenario.load import load_scenario
    from ecosystem.scenario.sweeps import points, variant
    from ecosystem.store.schema import swept_column

    scenario = load_scenario(path, options.overrides(set_), allow_code=allow_code)
    shares = []
    for point in points(scenario):
        told = ", ".join(f"{key} = {one_line(str(value))}" for key, value in point.items())
        found = plan_of(variant(scenario, point), budget, _aim(aim), "models" if models else "share", cap, seed)
        print(f"{one_line(scenario.name)}{f' ({told})' if told else ''}: {found}")
        _show(found)
        table = found.shares.assign(gradient=found.gradient).reset_index()
        swept = {swept_column(key, table.columns): [value] * len(table) for key, value in point.items()}
        shares.append(table.assign(**swept))
    if csv is not None:
        try:
            pd.concat(shares, ignore_index=True).to_csv(csv, index=False)
        except OSError as error:
            raise EcosystemError(f"cannot write {csv}: {error.strerror or error}") from error
        print(f"written: {csv.resolve()}")


def _show(found: CurationPlan) -> None:
    """Print what each allocation reaches, and the models that the best one curates most."""
    from ecosystem.cli.terminal import one_line, print_table

    print_table(
        ["allocation", "aim", "curated share in all"],
        [[str(name), f"{value:.6g}", f"{found.shares[name].sum():.4g}"] for name, value in found.aims.items()],
        numbers=["aim", "curated share in all"],
    )
    order = found.shares["best"].sort_values(ascending=False, kind="stable").index[:_MOST]
    columns = ["model", *map(str, found.shares.columns), "gradient"]
    rows = [
        [one_line(str(name), 30), *(f"{value:.4f}" for value in found.shares.loc[name]), f"{found.gradient[name]:+.3g}"]
        for name in order
    ]
    print_table(columns, rows, numbers=columns[1:])


def _aim(text: str) -> str | dict[str, float]:
    """Return what ``--aim`` means.

    >>> _aim("worst"), _aim("p=1,q=0.5")
    ('worst', {'p': 1.0, 'q': 0.5})
    """
    from ecosystem.errors import EcosystemError, shorten

    if "=" not in text:
        return text
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, _, value = part.rpartition("=")
        try:
            weights[name.strip()] = float(value)
        except ValueError:
            raise EcosystemError(f"--aim {shorten(text)}: write weights as p=1,q=0.5 (got {shorten(part)})") from None
    return weights
