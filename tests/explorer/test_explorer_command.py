"""The command: one clear message for what cannot be shown, and nothing for others to reach."""

from __future__ import annotations

import errno
import http.client
import socket
from pathlib import Path
from typing import Any

import pytest

import ecosystem
from analysis.explorer import applications, command
from analysis.explorer.effects import MOST_MODELS, Influences, effects
from analysis.explorer.server import free, guard, listen, serve
from ecosystem import Scenario
from ecosystem.cli import main
from ecosystem.errors import EcosystemError


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path):
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["ecosystem", "explore", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        told = capsys.readouterr()
        return int(end.value.code or 0), told.err + told.out

    return call


def test_what_is_neither_run_nor_scenario(said) -> None:
    wrong = "is neither a directory of a run, nor a scenario's file, nor a shipped scenario"
    assert said("two_model_backfir") == (2, f"two_model_backfir: {wrong}; did you mean 'two_model_backfire'?\n")
    assert said("runs/missing") == (2, f"runs/missing: {wrong}\n")


def test_a_directory_without_a_run(said, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    status, told = said("empty")
    assert (status, told) == (2, "empty: holds no results (there is no manifest.json)\n")


def test_a_scenario_that_is_wrong_is_told_with_its_place(said, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("name: bad\nrounds: -1\n", encoding="utf-8")
    status, told = said("bad.yaml")
    assert status == 2 and "bad.yaml:2:9: rounds" in told


def test_a_port_that_is_taken(said) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert said("two_model_backfire", "--port", str(port)) == (
            2,
            f"--port {port}: is taken by another program; choose another one\n",
        )
    assert said("two_model_backfire", "--port", "70000")[0] == 2


def test_an_address_that_is_not_this_computers_and_a_port_that_is_not_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EcosystemError, match=r"^--host 192\.0\.2\.1: cannot be listened on \(.+\)$"):
        free("192.0.2.1", 8999)

    def refused(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refused)
    with pytest.raises(EcosystemError, match=r"^--port 80: may not be used; choose one from 1024 to 65535$"):
        free("127.0.0.1", 80)


def test_a_missing_library_is_named_with_the_command_that_installs_it(said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "igraph" else object())
    status, told = said("two_model_backfire")
    assert status == 2
    assert told == 'ecosystem explore needs igraph, which is missing: pip install "ecosystem-sim[explore]"\n'


def test_a_host_that_others_reach_is_warned_of(said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analysis.explorer.server.serve", lambda *_: None)
    status, told = said("two_model_backfire", "--host", "0.0.0.0", "--port", "8999", "--no-browser")
    assert status == 0 and "warning: with --host 0.0.0.0 whoever reaches this computer" in told
    assert "warning" not in said("two_model_backfire", "--port", "8999", "--no-browser")[1]


def test_settings_of_a_finished_run_stay(said, small: Scenario, tmp_path: Path) -> None:
    ecosystem.run(small, out=tmp_path / "run")
    status, told = said("run", "--set", "lam=0.2")
    assert status == 2 and "--set: run is a finished run, whose settings stay" in told


def test_a_directory_in_which_no_run_is_done(said, small: Scenario, tmp_path: Path, monkeypatch) -> None:
    from tests.doubles import Engine

    monkeypatch.setattr("ecosystem.world.simulation.simulate", Engine(failing={0}))
    ecosystem.run(small, out=tmp_path / "run")
    assert said("run") == (2, "run: no run is done yet (1 failed)\n")


def test_only_this_computer_is_answered_and_no_script_of_others_runs(small: Scenario) -> None:
    app = applications.of_results(ecosystem.run(small))
    guard(app, "127.0.0.1")
    client = app.server.test_client()
    page = client.get("/", headers={"Host": "127.0.0.1:8050"})
    assert page.status_code == 200
    policy = page.headers["Content-Security-Policy"]
    scripts = next(part for part in policy.split(";") if "script-src" in part)
    assert "default-src 'self'" in policy and "unsafe" not in scripts
    for name in ("localhost", "[::1]:8050", "127.0.0.1"):
        assert client.get("/", headers={"Host": name}).status_code == 200
    assert client.get("/", headers={"Host": "rebound.example:8050"}).status_code == 403


def test_a_page_listens_on_loopback_alone(small: Scenario) -> None:
    server = listen(applications.of_results(ecosystem.run(small)), "127.0.0.1", 0)
    assert server.socket.getsockname()[0] == "127.0.0.1"
    server.server_close()


def test_a_browser_is_opened_at_the_page_that_is_served(small: Scenario, monkeypatch, capsys) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    servers: list[Any] = []
    answers: list[tuple[str, int]] = []

    def listening(*where: Any) -> Any:
        servers.append(listen(*where))
        return servers[-1]

    def opened(address: str) -> None:
        try:
            visit = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            visit.request("GET", "/")
            answers.append((address, visit.getresponse().status))
        finally:
            servers[0].shutdown()

    monkeypatch.setattr("analysis.explorer.server.listen", listening)
    monkeypatch.setattr("analysis.explorer.server._OPENS_AFTER", 0.0)
    monkeypatch.setattr("webbrowser.open", opened)
    serve(applications.of_results(ecosystem.run(small)), "127.0.0.1", port, browser=True)
    servers[0].server_close()
    assert answers == [(f"http://127.0.0.1:{port}/", 200)]
    assert capsys.readouterr().out == f"explorer: http://127.0.0.1:{port}/ (Ctrl+C ends it)\n"


@pytest.mark.parametrize(
    ("host", "shown"),
    [("0.0.0.0", "127.0.0.1"), ("::", "127.0.0.1"), ("::1", "[::1]"), ("localhost", "localhost")],
)
def test_an_address_is_told_that_a_browser_takes_and_no_browser_is_opened(
    host: str, shown: str, monkeypatch, capsys
) -> None:
    class Interrupted:
        def serve_forever(self) -> None:
            raise KeyboardInterrupt

    opened: list[str] = []
    monkeypatch.setattr("analysis.explorer.server.listen", lambda *_: Interrupted())
    monkeypatch.setattr("analysis.explorer.server._OPENS_AFTER", 0.0)
    monkeypatch.setattr("webbrowser.open", opened.append)
    serve(Any, host, 8999, browser=False)
    assert capsys.readouterr().out == f"explorer: http://{shown}:8999/ (Ctrl+C ends it)\n"
    assert opened == []


def test_the_default_host_is_loopback() -> None:
    import inspect

    assert inspect.signature(command.explore).parameters["host"].default == "127.0.0.1"


def test_influence_is_that_of_the_library_and_is_found_once(small: Scenario, monkeypatch) -> None:
    influences = Influences()
    assert not influences.known(small, 0)
    matrix = influences.matrix(small, 0)
    assert matrix.equals(ecosystem.influence(small))
    assert influences.known(small, 0) and influences.matrix(small, 0) is matrix
    found = effects(matrix, "c")
    assert found.own is None and found.on_others == ()
    assert found.by_others == (("a", pytest.approx(float(matrix.loc["c", "a"]))),)
    assert effects(matrix, "a").own == pytest.approx(float(matrix.loc["a", "a"]))
    assert [name for name, _ in effects(matrix, "a").on_others] == sorted(
        ("b", "c"), key=lambda name: -abs(matrix.loc[name, "a"])
    )


def test_of_many_matrices_of_influence_the_longest_unused_is_forgotten(small: Scenario) -> None:
    influences = Influences()
    scenarios = [small.with_({"lam": place / 20}) for place in range(9)]
    for scenario in scenarios[:8]:
        influences.matrix(scenario, 0)
    influences.matrix(scenarios[0], 0)
    assert all(influences.known(scenario, 0) for scenario in scenarios[:8])
    influences.matrix(scenarios[8], 0)
    assert [influences.known(scenario, 0) for scenario in scenarios] == [True, False, *[True] * 7]


def test_influence_that_there_is_not_is_told(small: Scenario) -> None:
    many = small.with_(
        {"models": [{"name": "m", "count": MOST_MODELS + 1, "diet": {"raw": 1}}], "network": {"edges": []}}
    )
    with pytest.raises(EcosystemError, match="up to 200 models"):
        Influences().matrix(many, 0)
    drawn = Scenario(**{**small.document.data, "mode": "sampled", "learning": {"examples": 20}})
    influences = Influences()
    for _ in range(2):
        with pytest.raises(EcosystemError, match=r"exact|sampled"):
            influences.matrix(drawn, 0)
