"""What `ecosystem run` shows of results: at most ten rows, of what tells most about the scenario."""

from __future__ import annotations

import pandas as pd

import ecosystem

USERS = """users:
  groups:
    - {name: A, size: 600, contexts: [0], reward: first}
    - {name: B, size: 400, contexts: [1], reward: first}"""
SCORED = "outputs: {kind: categorical, size: 2, contexts: 2, scores: {lean: [1, 0], quality: [1, 0]}}"
MANY = "models: [{name: m, count: 12, reward: first, diet: {real: 0.5, neighbours_raw: 0.5}}]"
CURATED = "curated: {models: [m0], diet: {real: 0.5, curated: 0.5}, curation: {candidates: 2}}"


def shown(out: str) -> list[list[str]]:
    """The cells of the table that is printed, its head first."""
    lines = out.split("After the last round:\n")[1].splitlines()
    return [line.split() for line in (lines[0], *lines[2:])]


def last(path: str, table: str) -> pd.DataFrame:
    rows = ecosystem.open_results(path).table(table, parameters=True)
    return rows[rows["round"] == rows["round"].max()]


def test_where_there_are_users_their_biases_are_shown(command, write) -> None:
    said = command("run", write(SCORED, USERS, "sweep: {grid: {lam: [0.2, 0.8]}}"))
    head, *rows = shown(said.out)
    assert head == ["lam", "alignment", "preference_bias", "disparate_bias"]
    rounds = last("runs/pair", "rounds")
    expected = rounds[["lam", "alignment", "preference_bias", "disparate_bias"]].to_numpy().tolist()
    assert rows == [[f"{number:.6g}" for number in row] for row in expected]


def test_of_many_models_alignment_is_shown_by_distance_from_the_curated(command, write) -> None:
    network = "network: {edges: [{from: m0, to: m1}, {from: m0, to: m2}, {from: m1, to: m3}]}"
    said = command("run", write(MANY, CURATED, network))
    head, *rows = shown(said.out)
    assert head == ["distance", "from", "curated", "models", "alignment"]
    models = last("runs/pair", "models").groupby("distance", dropna=False)["alignment"].agg(["size", "mean"])
    expected = [[str(size), f"{mean:.6g}"] for size, mean in models.to_numpy().tolist()]
    assert [row[0] for row in rows] == ["0", "1", "2", "–"]
    assert [[f"{float(size):g}", mean] for _, size, mean in rows] == [[f"{float(s):g}", m] for s, m in expected]


def test_of_many_models_at_several_points_the_mean_is_shown(command, write) -> None:
    points = ", ".join(map(str, range(1, 13)))
    said = command("run", write(MANY, "network: {}", f"sweep: {{grid: {{rounds: [{points}]}}}}"))
    head, *rows = shown(said.out)
    assert head == ["rounds", "alignment"]
    assert [row[0] for row in rows[:10]] == [str(number) for number in range(1, 11)]
    assert said.out.splitlines()[-1] == "… and 2 more"


def test_of_many_models_of_which_none_is_curated_the_mean_is_shown(command, write) -> None:
    said = command("run", write(MANY, "network: {}", "name: many"))
    assert shown(said.out)[0] == ["alignment"]


def test_where_no_model_is_recorded_the_mean_is_shown(command, write) -> None:
    said = command("run", write("record: {models: aggregate}"))
    head, row = shown(said.out)
    assert head == ["alignment"]
    assert row == [f"{last('runs/pair', 'rounds')['alignment'].iloc[0]:.6g}"]


def test_where_nothing_is_done_nothing_is_shown(command, write, monkeypatch) -> None:
    from tests.doubles import Engine

    monkeypatch.setattr("ecosystem.world.simulation.simulate", Engine(failing={0}))
    assert "After the last round" not in command("run", write()).out
