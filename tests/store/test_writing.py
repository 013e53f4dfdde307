"""Rows are written as they come, and those of a run that fails late are taken out again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ecosystem.plan.chunks import Chunk
from ecosystem.plan.runs import Run, plan
from ecosystem.runner.work import work
from ecosystem.store.parts import damaged_parts
from ecosystem.store.results import open_results
from ecosystem.store.store import open_store
from tests.doubles import Engine, Outcome, small


def rows(run: str, *rounds: int) -> dict[str, pa.Table]:
    names = [{"run": run, "round": number, "model": "p", "alignment": number / 10} for number in rounds]
    return {
        "models": pa.Table.from_pylist(names),
        "rounds": pa.Table.from_pylist([{"run": run, "round": n} for n in rounds]),
    }


class Streaming(Engine):
    """An engine that hands rows over round by round; runs with a seed of `late` fail after that."""

    def __init__(self, late: Sequence[int] = (), raising_late: Sequence[int] = ()) -> None:
        super().__init__()
        self.late, self.raising_late = late, raising_late

    def __call__(
        self, runs: Sequence[Run], on_round: Any = None, on_rows: Callable[[Mapping[str, pa.Table]], None] | None = None
    ) -> Outcome:
        self.calls.append([run.id for run in runs])
        assert on_rows is not None
        for number in range(2):
            for run in runs:
                on_rows(rows(run.id, number))
        if any(run.seed in self.raising_late for run in runs):
            raise RuntimeError("too late")
        outcome = Outcome()
        for run in runs:
            outcome.networks[run.id] = "net"
            if run.seed in self.late:
                outcome.errors[run.id] = "at last"
        kept = [rows(run.id, 2) for run in runs if run.seed not in self.late]
        outcome.tables = {
            name: pa.concat_tables([each[name] for each in kept]) for name in ("models", "rounds") if kept
        }
        outcome.tables["network"] = pa.table({"network": ["net"], "source": ["p"], "target": ["q"], "weight": [1.0]})
        return outcome


@pytest.mark.parametrize(
    ("engine", "failed"),
    [
        (Streaming(), []),
        (Streaming(late=[1, 3]), [1, 3]),
        (Streaming(raising_late=[2]), [2]),
        (Streaming(raising_late=[0], late=[4]), [0, 4]),
        (Streaming(raising_late=[0, 1, 2, 3, 4]), [0, 1, 2, 3, 4]),
    ],
)
def test_only_rows_of_runs_that_are_done_stay(tmp_path: Path, engine: Streaming, failed: list[int]) -> None:
    asked = plan(small(seeds=5))
    with open_store(asked, tmp_path) as store:
        receipt = work(Chunk.of(asked.runs), store, engine)
    assert (receipt.runs, receipt.failed) == (5, len(failed))
    assert damaged_parts(tmp_path) == []
    (part,) = (tmp_path / "parts").iterdir()
    assert all(file.is_file() for file in part.iterdir())
    done = [run.id for run in asked.runs if run.seed not in failed]
    results = open_results(tmp_path)
    assert results.runs["run"][results.runs["status"] == "done"].tolist() == done
    for table in ("models", "rounds"):
        found = results.table(table).sort_values(["run", "round"], ignore_index=True)
        assert list(zip(found["run"], found["round"], strict=True)) == sorted(
            (run, n) for run in done for n in range(3)
        )
        if done:  # and nothing of the others is there unseen
            assert set(pq.read_table(part / f"{table}.parquet")["run"].to_pylist()) == set(done)
    assert len(results.network) == (1 if done else 0)
