"""The part of a page about models without a reward: how far they move, and who uses them."""

from __future__ import annotations

from collections.abc import Iterator

from analysis import plots
from analysis.plots.style import LINES, number
from analysis.report.content import Picture, Section, picture
from analysis.report.design import POINT
from analysis.report.material import FEW, Material, Part, measured
from analysis.report.over_rounds import over_rounds

_MOVED = 1e-9


def movement(material: Material) -> Part:
    """Return how far models move from where they start, and how users spread over them."""
    pictures = tuple(_pictures(material))
    if not pictures:
        return Part()
    return Part((Section("What models become", (), pictures),), tuple(_findings(material)))


def _findings(material: Material) -> Iterator[str]:
    if not _told(material):
        ends = material.ends(material.models)[1].groupby(POINT, sort=False)["displacement"].mean()
        texts = [f"{number(value)}{f' ({point})' if len(ends) > 1 else ''}" for point, value in ends.items()]
        if len(texts) <= FEW:
            yield f"Squared displacement from the start, at the end: {', '.join(texts)}."


def _told(material: Material) -> bool:
    """Whether other parts tell what models become: by their alignment, or by whom they serve how well."""
    if measured(material.models, "alignment"):
        return True
    return any(measured(material.groups, name) for name in ("lean", "quality", "satisfaction"))


def _pictures(material: Material) -> Iterator[Picture]:
    rows = material.models
    if not _told(material) and measured(rows, "displacement") and rows["displacement"].max() > _MOVED:
        figure = over_rounds(material, rows, "displacement", by_model=True)
        if figure is not None:
            kind = "means" if material.scenario.outputs.kind == "gaussian" else "probabilities (total variation)"
            yield picture(figure, f"Squared distance of each model’s {kind} from its start.")
    several = 1 < len(material.names) <= LINES and material.layout.points == 1 and material.recorded >= 3
    if several and measured(rows, "volume") and rows.groupby("model", observed=True)["volume"].std().max() > _MOVED:
        yield picture(
            plots.trajectories(rows, column="volume"), "Who is used: prompts that each model gets in a round."
        )
