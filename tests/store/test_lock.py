"""Two processes on one directory are safe, and a crash leaves no lock behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ecosystem.plan.runs import plan
from ecosystem.store.errors import StoreError
from ecosystem.store.results import open_results
from ecosystem.store.store import open_store
from tests.doubles import carried_out, small

HOLDER = """
import sys
from pathlib import Path
from tests.doubles import small
from ecosystem.plan.runs import plan
from ecosystem.store.store import open_store

with open_store(plan(small()), Path(sys.argv[1])) as store, store.session():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_told_who_writes_and_a_killed_one_leaves_no_lock(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(out)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    ) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreError, match=rf"process {holder.pid} on .* is writing there.*--out"):
            carried_out(small(), out)
        assert open_results(out).runs["status"].tolist() == ["pending"]  # reading asks for no lock
        holder.send_signal(signal.SIGKILL)
    assert carried_out(small(), out) == 1


def test_who_writes_is_not_told_where_it_is_not_known(tmp_path: Path) -> None:
    """A session that is over, or was never noted, says nothing about who holds the lock now."""
    carried_out(small(), tmp_path)
    asked = plan(small(seeds=2))
    with open_store(asked, tmp_path), pytest.raises(StoreError, match=r": another process is writing there"):
        carried_out(asked, tmp_path)


def test_within_a_process_too(tmp_path: Path) -> None:
    asked = plan(small())
    with open_store(asked, tmp_path), pytest.raises(StoreError, match="another process is writing there"):
        carried_out(asked, tmp_path)
    assert carried_out(asked, tmp_path) == 1
