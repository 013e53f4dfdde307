"""The part of a page about models without a reward: how far they move, and who uses them."""

from __future__ import annotations

from collections.abc import Iterator

from analysis import plots
from analysis.plots.style import LINES
from analysis.report.content import Picture, Section, picture
from analysis.report.material import Material, Part, measured
from analysis.report.over_rounds import over_rounds

_MOVED = 1e-9


def movement(material: Material) -> Part:
    """Return how far models move from where they start, and how users spread over them."""
    pictures = tuple(_pictures(material))
    return Part((Section("What models become", (), pictures),) if pictures else ())


def _pictures(material: Material) -> Iterator[Picture]:
    rows = material.models
    told = measured(rows, "alignment") or any(measured(material.groups, name) for name in ("lean", "satisfaction"))
    if not told and measured(rows, "displacement") and rows["displacement"].max() > _MOVED:
        figure = over_rounds(material, rows, "displacement", by_model=True)
        if figure is not None:
            kind = "means" if material.scenario.outputs.kind == "gaussian" else "probabilities (total variation)"
            yield picture(figure, f"Squared distance of each model’s {kind} from its start.")
    several = 1 < len(material.names) <= LINES and material.layout.points == 1 and material.recorded >= 3
    if several and measured(rows, "volume") and rows.groupby("model", observed=True)["volume"].std().max() > _MOVED:
        yield picture(
            plots.trajectories(rows, column="volume"), "Who is used: prompts that each model gets in a round."
        )
