"""What influence is used for: backfire, phase maps, planning, the command line."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import ecosystem
from ecosystem.errors import EcosystemError
from ecosystem.influence import gradient, influence, table
from ecosystem.influence.allocations import project
from ecosystem.influence.backfire import backfire
from ecosystem.influence.of_results import influence_table
from ecosystem.influence.phase import phase_map
from ecosystem.influence.planner import plan
from ecosystem.influence.rounds import Round
from ecosystem.influence.together import rest_together
from ecosystem.scenario.load import load_scenario
from ecosystem.scenario.scenario import Scenario
from ecosystem.scenario.sweeps import variant

from .ecosystems import one_model, two_models


def with_echo() -> Scenario:
    data = two_models().settings()
    data["network"]["edges"].append({"from": "p", "to": "p", "weight": 0.3})
    return Scenario(**data)


def test_backfire_says_who_is_harmed() -> None:
    rows = backfire(two_models())
    assert rows["harms_itself"].to_dict() == {"p": True, "q": False}
    assert rows.loc["q", "harms"] == ("p",)
    assert rows.loc["p", "self_influence"] == pytest.approx(-0.1198, abs=5e-5)
    # One edge leads to each: weakening it alone changes nothing, as weights are normalised.
    assert rows["edge"].isna().all()


def test_the_peak_is_where_self_influence_is_zero() -> None:
    # p reads half of its curated data from q: curation helps until too much comes from there.
    scenario = two_models(lam=0.3, c_p=0.44, c_q=0.9)
    rows = backfire(scenario)
    peak = float(rows.loc["p", "peak"])
    beside = [influence(scenario.with_({"lam": peak + by})).loc["p", "p"] for by in (-0.02, 0.02)]
    if 0 < peak < 0.95:
        assert beside[0] > 0 > beside[1]
    else:
        assert np.sign(beside[1 if peak == 0 else 0]) == (-1 if peak == 0 else 1)


def test_the_edge_that_is_named_restores() -> None:
    rows = backfire(with_echo())
    assert rows.loc["p", "edge"] == "q->p"
    factor = float(rows.loc["p", "weaken_to"])
    weakened = with_echo().with_({"network.edges.q->p.weight": factor})
    assert influence(weakened).loc["p", "p"] == pytest.approx(0, abs=1e-6)


def test_a_phase_map_is_influence_at_each_point() -> None:
    found = phase_map(two_models(), ("c", [0.0, 0.5, 0.9]), ("lam", [0.2, 0.6]), "self-influence of p")
    assert (found.columns.name, found.index.name) == ("c", "lam")
    for lam in found.index:
        for c in found.columns:
            expected = influence(two_models(lam=lam, c_p=c)).loc["p", "p"]
            assert found.loc[lam, c] == pytest.approx(expected, abs=1e-9)
    assert (found[0.0] > 0).all()
    assert (found[0.9] < 0).all()


@pytest.mark.parametrize("quantity", ["alignment of q", "influence of p on q", "spectral radius"])
def test_other_quantities_of_a_phase_map(quantity: str) -> None:
    assert phase_map(two_models(), ("c", [0.1, 0.7]), ("lam", [0.5]), quantity).notna().all(axis=None)


def test_an_unknown_quantity_is_refused() -> None:
    with pytest.raises(EcosystemError, match="no quantity"):
        phase_map(two_models(), ("c", [0.1]), ("lam", [0.5]), "colour")


@pytest.mark.parametrize(
    ("quantity", "told"),
    [
        ("alignment of z", "there is no model 'z'"),
        ("self-influence of q", "model 'q' has no lever curation"),
        ("influence of q on p", "model 'q' has no lever curation"),
    ],
)
def test_a_phase_map_of_what_there_is_not_is_refused(quantity: str, told: str) -> None:
    data = two_models().settings()
    data["models"][1] |= {"curation": None, "diet": {"real": 0.5, "raw": 0.5}}
    with pytest.raises(EcosystemError, match=told):
        phase_map(Scenario(**data), ("learning.sharing", [0.0, 0.5]), ("learning.rate", [1.0]), quantity)


def test_a_phase_map_of_ecosystems_of_several_sizes_is_refused() -> None:
    scenario = load_scenario("mixed_tastes").with_({"models.m.count": 6, "network.m": 2})
    with pytest.raises(EcosystemError, match=r"models\.m\.count and learning\.sharing: .* of one size"):
        phase_map(scenario, ("models.m.count", [5, 6]), ("learning.sharing", [0.0]), "spectral radius")


def test_a_phase_map_is_empty_where_the_ecosystem_never_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecosystem.influence.phase.rest_together", lambda plans: rest_together(plans, most=1000))
    data = one_model(0.95, [0.6, 0.4], [1, 0], 5).settings()
    data["models"][0] |= {"diet": {"real": 0.05, "neighbours_curated": 0.95}}
    data["models"][0]["curation"] |= {"method": "best_of"}
    data["network"] = {"edges": [{"from": "m", "to": "m", "channel": {"matrix": [[0, 1], [1, 0]]}}]}
    axes = ("models.m.curation.candidates", [1, 5]), ("learning.sharing", [0.0])
    found = phase_map(Scenario(**data), *axes, "alignment of m")
    # One candidate is no choice: p = 0.05 × 0.6 + 0.95 (1 − p). Of five there is a cycle.
    assert found.loc[0.0, 1] == pytest.approx((0.05 * 0.6 + 0.95) / 1.95, abs=1e-9)
    assert math.isnan(found.loc[0.0, 5])


def test_figures_are_drawn_from_tables() -> None:
    from analysis import plots

    both = plots.influence(table(two_models()))
    assert len(both.axes) == 3  # the map, its scale, the arrows
    (image,) = both.axes[0].images
    assert np.asarray(image.get_array())[0, 0] == pytest.approx(-0.1198, abs=5e-5)
    assert len(plots.influence_arrows(influence(two_models())).axes) == 1
    found = phase_map(two_models(), ("c", [0.0, 0.9]), ("lam", [0.2, 0.6]), "self-influence of p")
    assert plots.phase_map(found).axes[0].get_xlabel() == "c"


def test_worlds_come_to_rest_together_as_alone() -> None:
    plans = [Round(two_models(lam=lam)).plan for lam in (0.2, 0.5, 0.8)]
    together = rest_together(plans)
    for number, each in enumerate(plans):
        assert float((rest_together([each])[0] - together[number]).abs().max()) < 1e-12


def test_the_best_plan_is_that_of_a_grid() -> None:
    scenario, budget = two_models(c_p=0.3, c_q=0.5), 0.8
    found = plan(scenario, budget)
    grid = np.linspace(0, 0.8, 17)
    best = -math.inf
    for p in grid:
        for q in grid[grid <= budget - p + 1e-12]:
            diet = {"real": 1 - q, "curated": q * 0.5, "neighbours_curated": q * 0.5}
            rest = rest_together([Round(scenario.with_({"lam": p, "models.q.diet": diet})).plan])[0]
            best = max(best, float(rest[0, 0, 0] + rest[1, 0, 1]) / 2)
    assert found.aims["best"] >= best - 1e-6
    assert found.aims["best"] >= found.aims.drop(["now", "best"]).max() - 1e-9
    assert found.shares["best"].sum() <= budget + 1e-9


def test_more_curation_than_helps_is_left_unspent() -> None:
    found = plan(two_models(c_q=0.9), 0.5)
    assert found.more_is_less
    assert "more curation lowers the aim" in str(found)
    assert found.aims["best"] == pytest.approx(0.5, abs=1e-6)


def test_where_curation_only_helps_all_is_spent() -> None:
    found = plan(one_model(0.3, [0.5, 0.3, 0.2], [0, 0.5, 1.5], 4), 0.6)
    assert found.shares.loc["m", "best"] == pytest.approx(0.6)
    assert not found.more_is_less


def test_a_number_of_models_is_a_budget() -> None:
    found = plan(two_models(), 1, kind="models")
    assert (found.shares[["by_degree", "greedy", "best"]] > 0).sum().max() <= 1
    with pytest.raises(EcosystemError, match="whole number"):
        plan(two_models(), 1.5, kind="models")


def test_aims_are_checked() -> None:
    assert plan(two_models(), aim={"p": 1.0}).aims["best"] >= 0.5
    with pytest.raises(EcosystemError, match="no model 'z'"):
        plan(two_models(), aim={"z": 1.0})
    with pytest.raises(EcosystemError, match="aim"):
        plan(two_models(), aim="best")


def test_projection_is_the_nearest_allowed() -> None:
    generator = np.random.default_rng(0)
    for _ in range(20):
        wanted = generator.normal(0.3, 0.5, size=4)
        found = project(wanted, 1.0, 0.8)
        assert (found >= 0).all() and (found <= 0.8).all() and found.sum() <= 1 + 1e-9
        for _ in range(50):
            other = project(generator.uniform(0, 0.8, size=4), 1.0, 0.8)
            assert ((found - wanted) ** 2).sum() <= ((other - wanted) ** 2).sum() + 1e-9


@pytest.fixture
def command() -> CliRunner:
    return CliRunner()


def app():  # type: ignore[no-untyped-def]
    import typer

    from ecosystem.cli import influence as influence_command
    from ecosystem.cli import plan as plan_command

    program = typer.Typer()
    program.command("influence")(influence_command.influence)
    program.command("plan")(plan_command.plan)
    return program


def test_the_command_prints_and_writes(command: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "influence.csv"
    result = command.invoke(app(), ["influence", "backfire_map", "--csv", str(file)])
    assert result.exit_code == 0, result.output
    assert "stable; spectral radius" in result.output
    rows = pd.read_csv(file)
    assert {"affected", "lever", "influence", "c_p", "c_q"} <= set(rows.columns)
    assert len(rows) == 36 * 4


def test_the_command_says_where_there_is_no_rest(command: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "neutral.yaml"
    file.write_text(
        "name: neutral\nrounds: 1\noutputs: {kind: categorical, size: 2}\nrewards: {r: [1, 0]}\n"
        "models:\n  - {name: m, reward: r, diet: {raw: 1}}\n"
    )
    result = command.invoke(app(), ["influence", str(file), "--lever", "raw"])
    assert result.exit_code == 0
    assert "neutral" in result.output
    assert "no influence" in result.output


def test_the_plan_command(command: CliRunner) -> None:
    result = command.invoke(app(), ["plan", "scalar_means", "--aim", "p=1,q=1", "--budget", "1"])
    assert result.exit_code == 0, result.output
    assert "greedy" in result.output


CONFUSING = """\
name: confusing
rounds: 1
parameters: {lever: 0.4, best: 1.0}
outputs: {kind: categorical, size: 2}
rewards: {r: [1, 0]}
models:
  - {name: affected, reward: r, diet: {real: = 1 - lever, curated: = lever}, curation: {candidates: 2}}
  - {name: influence, reward: r, diet: {real: 0.5, neighbours_raw: 0.5}}
network: {edges: [{from: affected, to: influence}]}
sweep: {grid: {lever: [0.3, 0.4], best: [1.0]}}
"""
"""Models and parameters that are called as columns of tables are."""


def test_models_and_parameters_may_be_called_as_columns(command: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "confusing.yaml"
    file.write_text(CONFUSING, encoding="utf-8")
    result = command.invoke(app(), ["influence", str(file), "--csv", str(tmp_path / "i.csv")])
    assert result.exit_code == 0, result.output
    rows = pd.read_csv(tmp_path / "i.csv")
    assert rows.columns.tolist() == ["affected", "lever", "influence", "parameters.lever", "best"]
    for value, part in rows.groupby("parameters.lever"):
        expected = influence(variant(load_scenario(file), {"lever": value, "best": 1.0}))
        assert part["affected"].tolist() == ["affected", "influence"]
        assert part["lever"].tolist() == ["affected", "affected"]
        assert part["influence"].to_numpy() == pytest.approx(expected["affected"].to_numpy(), abs=1e-12)
    result = command.invoke(app(), ["plan", str(file), "--csv", str(tmp_path / "p.csv")])
    assert result.exit_code == 0, result.output
    shares = pd.read_csv(tmp_path / "p.csv")
    assert shares["lever"].tolist() == [0.3, 0.4]
    assert shares["best"].to_numpy() == pytest.approx([0.3, 0.4])  # the allocation, not the parameter
    assert shares["parameters.best"].tolist() == [1.0, 1.0]


def test_swept_parameters_stand_beside_influence_under_names_of_their_own(tmp_path: Path) -> None:
    file = tmp_path / "confusing.yaml"
    file.write_text(CONFUSING, encoding="utf-8")
    found = influence_table(ecosystem.run(load_scenario(file), tmp_path / "out"))
    assert found.columns.tolist() == [
        "run",
        "point",
        "seed",
        "parameters.lever",
        "best",
        "affected",
        "lever",
        "influence",
    ]
    assert found["parameters.lever"].tolist() == [0.3, 0.3, 0.4, 0.4]
    assert found["lever"].tolist() == ["affected"] * 4


@pytest.mark.parametrize("weight", [math.nan, math.inf])
def test_a_weight_that_is_no_number_is_refused(weight: float) -> None:
    with pytest.raises(EcosystemError, match="aim: the weight of 'p' must be a finite number"):
        gradient(two_models(), {"p": weight})


def test_nothing_is_aimed_at_where_nobody_is_aligned() -> None:
    data = two_models().settings()
    for entry in data["models"]:
        entry["curation"]["reward"], entry["reward"] = entry["reward"], None
    with pytest.raises(EcosystemError, match="no model has a reward, so there is no alignment to aim at"):
        gradient(Scenario(**data))
    data["models"][0]["reward"] = "first"
    with pytest.raises(EcosystemError, match="aim: model 'q' has no reward, so no alignment"):
        gradient(Scenario(**data), {"q": 1.0})
    with pytest.raises(EcosystemError, match="aim: there is no model 'r'"):
        gradient(Scenario(**data), {"r": 1.0})


def test_what_cannot_be_drawn_or_written_is_told(command: CliRunner, tmp_path: Path) -> None:
    from ecosystem.cli.app import app as program

    where, scenario = str(tmp_path / "nowhere" / "i.csv"), str(tmp_path / "confusing.yaml")
    (tmp_path / "confusing.yaml").write_text(CONFUSING, encoding="utf-8")
    for name in ("influence", "plan"):
        result = command.invoke(program, [name, scenario, "--csv", where])
        assert isinstance(result.exception, EcosystemError)
        assert str(result.exception).startswith(f"cannot write {where}: Cannot save file into a non-existent directory")
    result = command.invoke(program, ["influence", scenario, "--plot", str(tmp_path / "map.abc")])
    assert isinstance(result.exception, EcosystemError)
    assert "cannot write" in str(result.exception) and "'abc' is not supported" in str(result.exception)


def test_the_largest_influences_of_many_are_printed(command: CliRunner, tmp_path: Path) -> None:
    scenario = load_scenario("mixed_tastes").with_({"models.m.count": 14, "network.m": 2})
    file = tmp_path / "many.yaml"
    file.write_text(json.dumps(scenario.settings() | {"sweep": None, "expect": []}), encoding="utf-8")
    result = command.invoke(app(), ["influence", str(file)])
    assert result.exit_code == 0, result.output
    rows = table(load_scenario(file)).dropna()
    assert f"the 12 largest of {len(rows)} influences" in result.output
    largest = rows.sort_values("influence", key=abs, ascending=False)["influence"][:12]
    for value in largest:
        assert f"{value:+.6g}" in result.output


def test_an_aim_may_name_an_entry_of_models() -> None:
    scenario = load_scenario("mixed_tastes").with_({"models.m.count": 6, "network.m": 2})
    by_entry, by_mean = gradient(scenario, "m"), gradient(scenario, "mean")
    assert by_entry.to_numpy() == pytest.approx(by_mean.to_numpy(), abs=1e-12)
    assert gradient(scenario, "m3").to_numpy() == pytest.approx(gradient(scenario, {"m3": 1.0}).to_numpy(), abs=1e-12)
    with pytest.raises(EcosystemError, match="an entry of models"):
        gradient(scenario, "nobody")


def test_the_program_shows_influence_and_draws_it(tmp_path: Path) -> None:
    from ecosystem.cli.app import app as program

    picture = tmp_path / "map.png"
    result = CliRunner().invoke(program, ["influence", "rotation", "--plot", str(picture)])
    assert result.exit_code == 0, result.output
    assert "-0.513378" in result.output
    assert picture.stat().st_size > 5000
