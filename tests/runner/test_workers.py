"""The same plan gives the same bits wherever it is executed, and what happens to a worker happens to it alone."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

import ecosystem
from ecosystem.errors import EcosystemError
from ecosystem.plan import chunks
from ecosystem.plan.runs import plan
from ecosystem.runner import cluster
from ecosystem.runner.progress import Progress
from ecosystem.runner.task import misfit
from ecosystem.store.results import Results, open_results
from ecosystem.store.store import open_store
from ecosystem.store.versions import versions
from tests.doubles import Engine, carried_out, small
from tests.doubles.fates import Fate, Hanging, Hoarding, KilledOnce, Killing, Tracing

KEYS = {"models": ["run", "round", "model"], "rounds": ["run", "round"], "states": ["run", "round", "model", "output"]}


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "MOST_WORLDS", 3)


def assert_same(results: Results, others: Results) -> None:
    columns = ["run", "point", "seed", "network", "status"]
    pd.testing.assert_frame_equal(results.runs[columns], others.runs[columns])
    for name, keys in KEYS.items():
        one, other = (
            found.table(name).sort_values([key for key in keys], ignore_index=True) for found in (results, others)
        )
        assert len(one) > 0
        pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_any_number_of_workers_and_a_cluster_give_the_same_bits(tmp_path: Path) -> None:
    scenario = small(
        mode="sampled",
        learning={"examples": 50},
        record={"states": True},
        rounds=5,
        sweep={"grid": {"lam": [0.2, 0.8]}},
        seeds=7,
    )
    here = ecosystem.run(scenario, tmp_path / "here")
    for workers in (1, 2, 4):
        assert_same(here, ecosystem.run(scenario, tmp_path / f"{workers}", workers=workers))
    with cluster.local(2, 4_000_000_000) as client:
        by_address = client.scheduler.address
        assert_same(here, ecosystem.run(scenario, tmp_path / "address", scheduler=by_address))
        assert_same(here, ecosystem.run(scenario, tmp_path / "client", scheduler=client))
        assert_same(here, ecosystem.run(scenario, tmp_path / "cluster", scheduler=client.cluster))
        client.submit(os.getpid).result()  # what was not ours is still there


def test_workers_listen_to_this_machine_alone_and_are_gone_afterwards(tmp_path: Path) -> None:
    with cluster.local(2, 4_000_000_000) as client:
        workers = list(client.run(os.getpid).values())
        processes = [psutil.Process(), *(psutil.Process(worker) for worker in workers)]
        listening = [
            connection.laddr.ip
            for process in processes
            for connection in process.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        ]
        assert len(listening) >= 3
        assert set(listening) == {"127.0.0.1"}
        assert client.run(signal_mask) == dict.fromkeys(client.scheduler_info()["workers"], True)
    assert not any(map(psutil.pid_exists, workers))


def signal_mask() -> bool:
    """Whether Ctrl-C does not reach this process."""
    import signal

    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])


@pytest.mark.parametrize(
    ("fate", "execution", "said"),
    [
        (Killing(), {}, "the process that executed it died, 2 times"),
        (Hanging(), {"timeout": 1.0}, "took longer than 1 s (timeout)"),
        (Hoarding(), {"max_memory": 1_600_000_000}, "the process that executed it died, 2 times"),
        (Engine(raising={1}), {}, "RuntimeError: seed 1 is cursed"),
    ],
    ids=["kills its worker", "hangs", "takes all memory", "raises"],
)
def test_only_the_guilty_run_fails(tmp_path: Path, fate: Engine, execution: dict[str, Any], said: str) -> None:
    carried_out(small(seeds=8), tmp_path, fate, workers=2, **execution)
    runs = open_results(tmp_path).runs
    assert runs["status"].tolist() == ["done", "failed", *["done"] * 6]
    assert runs["error"][1].startswith(said)
    assert carried_out(small(seeds=8), tmp_path, Engine(), workers=1, retry_failed=True) == 1
    assert (open_results(tmp_path).runs["status"] == "done").all()


def test_a_worker_that_is_killed_costs_nothing(tmp_path: Path) -> None:
    engine = KilledOnce(mark=str(tmp_path / "killed"))
    carried_out(small(seeds=8), tmp_path / "out", engine, workers=2)
    assert (tmp_path / "killed").exists()
    assert (open_results(tmp_path / "out").runs["status"] == "done").all()


def test_progress_is_told_in_the_callers_thread_and_workers_are_used_again(tmp_path: Path) -> None:
    told: list[tuple[Progress, int]] = []
    engine = Tracing(folder=str(tmp_path))
    carried_out(
        small(seeds=20),
        tmp_path / "out",
        engine,
        lambda progress: told.append((progress, threading.get_ident())),
        workers=2,
    )
    finished = [progress.finished for progress, _ in told]
    assert finished == sorted(finished)
    assert (finished[0], finished[-1]) == (0, 20)
    assert {thread for _, thread in told} == {threading.get_ident()}
    pids = {int(path.name) for path in tmp_path.iterdir() if path.name.isdigit()}
    assert 1 <= len(pids) <= 2 and os.getpid() not in pids
    assert set(open_results(tmp_path / "out").chunks["process"]) == pids


def test_where_nothing_answers_that_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_PATIENCE", 0.5)
    with pytest.raises(EcosystemError, match=r"no Dask scheduler answers at 'tcp://127.0.0.1:1' \(.*tcp://HOST:8786"):
        carried_out(small(), tmp_path, scheduler="tcp://127.0.0.1:1")
    with pytest.raises(EcosystemError, match="no Dask scheduler answers at 'nonsense://x'"):
        carried_out(small(), tmp_path, scheduler="nonsense://x")
    with pytest.raises(EcosystemError, match="no Dask scheduler answers at int"):
        carried_out(small(), tmp_path, scheduler=3)


def test_a_worker_that_does_not_fit_is_told(tmp_path: Path) -> None:
    with open_store(plan(small()), tmp_path) as store:
        assert misfit(store, versions()) is None
        other = {**versions(), "torch": "1.0"}
        assert "torch" in str(misfit(store, other)) and "would not be the same" in str(misfit(store, other))
        (tmp_path / "manifest.json").unlink()
        assert "does not see" in str(misfit(store, versions())) and "--out" in str(misfit(store, versions()))


def test_the_fates_are_real() -> None:
    with pytest.raises(NotImplementedError):
        Fate(seed=0)(plan(small()).runs)


def test_two_sweeps_at_a_time_do_not_meet(recwarn: pytest.WarningsRecorder) -> None:
    with cluster.local(1, 2_000_000_000) as one, cluster.local(1, 2_000_000_000) as other:
        assert one.submit(os.getpid).result() != other.submit(os.getpid).result()
    assert [str(each.message) for each in recwarn if "Port" in str(each.message)] == []
