"""What results took, and what went wrong: tables about the work, not about the ecosystem."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds

from ecosystem.store.parts import Part, damaged, effort_of
from ecosystem.store.schema import PART_RUNS
from ecosystem.store.tables import Chosen


def chunks(chosen: Chosen) -> pd.DataFrame:
    """Return one row a chunk.

    Returns
    -------
    pandas.DataFrame
        ``chunk``, ``runs``, ``started`` (UTC), ``seconds``, ``memory`` (bytes, the most that the process held),
        ``host``, ``process``, and a column for each version.
    """
    rows = []
    for part, _ in chosen:
        effort = effort_of(part.path)
        own = {name: getattr(effort, name) for name in ("started", "seconds", "memory", "host", "process")}
        rows.append({"chunk": part.path.name, "runs": len(part.runs), **own, **effort.versions})
    columns = ["chunk", "runs", "started", "seconds", "memory", "host", "process"]
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=columns)


def failures(runs: pd.DataFrame, parts: Sequence[Part]) -> pd.DataFrame:
    """Return one row a run that failed.

    Returns
    -------
    pandas.DataFrame
        The columns of `runs`, and ``exception`` (its type, where the program raised one), ``traceback`` and
        ``settings`` (every setting of the run, as JSON).
    """
    failed = runs[runs["status"] == "failed"]
    columns = ["run", "exception", "traceback", "settings", "finished"]
    files = [str(part.file("runs")) for part in parts]
    if failed.empty or not files:
        return failed.assign(**{name: pd.Series(dtype="str") for name in columns[1:]})
    try:
        found = ds.dataset(files, schema=PART_RUNS, format="parquet").to_table(
            columns=columns, filter=ds.field("status") == "failed"
        )
    except (OSError, pa.ArrowException) as error:
        raise damaged(parts[0].path.parent, error) from error
    last = found.to_pandas().sort_values("finished").drop_duplicates("run", keep="last")
    return failed.merge(last, on="run", how="left").reset_index(drop=True)
