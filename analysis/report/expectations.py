"""Whether what the literature says holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from analysis.report.asked import counted

if TYPE_CHECKING:
    from ecosystem.expectations import Tables, Verdict
    from ecosystem.store.results import Results


@dataclass(frozen=True)
class Expectations:
    """What was expected of a run, tried on its tables.

    Attributes
    ----------
    text : str
        How many hold, in a sentence; or why they were not tried.
    verdicts : tuple of Verdict
        One for each, in order.
    """

    text: str
    verdicts: tuple[Verdict, ...] = ()

    @property
    def failed(self) -> int:
        """How many do not hold."""
        return sum(not verdict.passed for verdict in self.verdicts)


def expectations(results: Results, tables: Tables) -> Expectations | None:
    """Try what a scenario expects; None where it expects nothing."""
    from ecosystem.expectations import compare

    expect = results.scenario.expect
    if not expect:
        return None
    missing = int((results.runs["status"] != "done").sum())
    if missing:
        why = f"{counted(missing, 'run')} of {len(results.runs):,} not done"
        return Expectations(f"{counted(len(expect), 'expectation')} not tried: {why}.")
    verdicts = tuple(compare(tables, expect))
    failed = sum(not verdict.passed for verdict in verdicts)
    if len(verdicts) == 1:
        return Expectations(f"The one expectation {'fails' if failed else 'holds'}.", verdicts)
    total = counted(len(verdicts), "expectation")
    return Expectations(f"{len(verdicts) - failed} of {total} hold." if failed else f"All {total} hold.", verdicts)


def unfinished(runs: pd.DataFrame) -> str:
    """Say what is not there, of a run in which something failed or is yet to be done; else nothing."""
    counts = runs["status"].value_counts()
    left = {name: int(counts.get(name, 0)) for name in ("failed", "pending")}
    if not any(left.values()):
        return ""
    texts = [f"{count:,} {'failed' if name == 'failed' else 'not done yet'}" for name, count in left.items() if count]
    rest = int(counts.get("done", 0))
    tail = f"What follows is of the {counted(rest, 'run')} that {'are' if rest != 1 else 'is'} done." if rest else ""
    return f"Of {counted(len(runs), 'run')}, {' and '.join(texts)}. {tail}".strip()
