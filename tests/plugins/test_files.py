"""Plug-ins of files: run only where that is allowed, told of in their place, known by what they hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import ecosystem
from ecosystem.cli.app import app
from ecosystem.errors import InputError
from ecosystem.plan.identity import run_id
from ecosystem.scenario import points, variant

CODE = """
from ecosystem.plugins import Curator, FeedbackRule, Name, NetworkGenerator, Positive, Share

RUN = open("ran", "a").write("x")


class Lenient(Curator, name="lenient"):
    luck: Share = 0.5

    def keep(self, p, rho, candidates):
        tilted = p * rho.exp()
        return self.luck * p + (1 - self.luck) * tilted / tilted.sum(-1, keepdim=True)


class Fade(FeedbackRule, name="fade"):
    group: Name
    rate: Positive = 0.1

    def respond(self, activity, served, group):
        return activity * (1 - self.rate * served.members.is_of(group))


class Steps(NetworkGenerator, name="steps"):
    step: int = 1

    def graph(self, nodes, seed):
        import networkx

        return networkx.circulant_graph(nodes, [self.step], create_using=networkx.DiGraph)
"""

TEXT = """\
name: lenient
rounds: 3
plugins: [lenient.py]
parameters: {luck: 0.25}
outputs: {kind: categorical, size: 3}
rewards: {a: [1, 0, 0]}
models:
  - name: m
    count: 4
    reward: a
    diet: {real: 0.5, curated: 0.3, neighbours_raw: 0.2}
    curation: {method: lenient, candidates: 4, luck: = luck}
network: {generator: steps, step: 2}
users:
  groups:
    - {name: A, size: 100, contexts: [0], reward: a}
    - {name: B, size: 100, contexts: [0], reward: a}
  feedback: {method: fade, group: B}
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lenient.py").write_text(CODE, encoding="utf-8")
    return written(tmp_path)


def written(folder: Path, **changes: str) -> Path:
    text = TEXT
    for old, new in changes.items():
        text = text.replace(old, new)
    file = folder / "asked.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_nothing_is_run_where_it_is_not_allowed(path: Path) -> None:
    with pytest.raises(InputError) as caught:
        ecosystem.load_scenario(path)
    assert str(caught.value) == (
        f"{path}:3:11: plugins[0]: 'lenient.py' would be run as a program, which a scenario may not ask for by itself; "
        "if you trust it, add --allow-code (in Python: allow_code=True)"
    )
    with pytest.raises(InputError, match="--allow-code"):
        ecosystem.Scenario(name="x", rounds=1, plugins=["lenient.py"])
    assert not (path.parent / "ran").exists()


def test_a_run_does_what_its_plugins_say(path: Path) -> None:
    scenario = ecosystem.load_scenario(path, allow_code=True)
    results = ecosystem.run(scenario)
    assert list(results.runs["status"]) == ["done"], results.failures
    # p⁺ = ½ real + 0.3 (¼ p + ¾ tilted) + 0.2 p of the first round, where all write evenly.
    e = 2.718281828459045
    tilted = e / (e + 2)
    expected = 0.5 / 3 + 0.3 * (0.25 / 3 + 0.75 * tilted) + 0.2 / 3
    first = results.models.query("round == 1")["alignment"]
    assert first.to_numpy() == pytest.approx([expected] * 4, abs=1e-12)
    groups = results.groups.query("round == 3").set_index("group")["active"]
    assert groups["A"] == 100
    assert groups["B"] == pytest.approx(100 * 0.9**3)
    edges = {tuple(edge) for edge in results.network[["source", "target"]].to_numpy()}
    assert edges == {("m0", "m2"), ("m1", "m3"), ("m2", "m0"), ("m3", "m1")}
    assert results.scenario == scenario  # what is kept of it is read again, the file run again


def test_the_file_is_known_by_what_it_holds(path: Path) -> None:
    before = ecosystem.load_scenario(path, allow_code=True)
    (path.parent / "lenient.py").write_text(CODE + "\n# changed\n", encoding="utf-8")
    after = ecosystem.load_scenario(path, allow_code=True)
    assert run_id(before, 0) != run_id(after, 0)
    # What was loaded stays what it was, however the file changes.
    (path.parent / "lenient.py").unlink()
    assert run_id(before.with_({"luck": 0.25}), 0) == run_id(before, 0)


def test_two_scenarios_may_give_one_name_to_two_things(path: Path) -> None:
    first = ecosystem.load_scenario(path, allow_code=True)
    (path.parent / "lenient.py").write_text(CODE.replace("[self.step]", "[1]"), encoding="utf-8")
    second = ecosystem.load_scenario(path, allow_code=True)
    ends = [sorted(ecosystem.run(one).network.query("source == 'm0'")["target"]) for one in (first, second)]
    assert ends == [["m2"], ["m1", "m3"]]


def test_settings_of_a_plugin_are_changed_and_swept(path: Path) -> None:
    scenario = ecosystem.load_scenario(path, {"models.m.curation.luck": 0.75}, allow_code=True)
    assert scenario.models[0].curation.luck == 0.75
    written(path.parent, **{"  feedback": "  feedback", "rounds: 3": "rounds: 3\nsweep: {grid: {luck: [0, 0.5, 1]}}"})
    swept = ecosystem.load_scenario(path, allow_code=True)
    found = [variant(swept, point).models[0].curation.luck for point in points(swept)]
    assert found == [0, 0.5, 1]
    results = ecosystem.run(swept)
    means = results.table("models", parameters=True).query("round == 3").groupby("luck")["alignment"].mean()
    assert means[0] > means[0.5] > means[1]
    assert means[1] == pytest.approx(1 / 3)


@pytest.mark.slow
def test_workers_know_the_plugins(path: Path) -> None:
    here = ecosystem.run(path, allow_code=True, seeds=4)
    there = ecosystem.run(path, allow_code=True, seeds=4, workers=1)
    assert there.models.equals(here.models)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"luck: = luck": "luk: 0.5"}, "12:48: models[0].curation.luk: unknown key; did you mean 'luck'?"),
        ({"luck: = luck": "luck: 3"}, "12:54: models[0].curation.luck: must be at most 1 (got 3)"),
        (
            {"method: lenient": "method: leniant"},
            "12:24: models[0].curation.method: there is no method of curation 'leniant'; did you mean 'lenient'?",
        ),
        ({"fade": "fate"}, "18:22: users.feedback.method: there is no rule of feedback 'fate'; did you mean 'fade'?"),
        ({", group: B": ""}, "18:13: users.feedback.group: is missing"),
        ({"group: B": "group: C"}, "18:35: users.feedback.group: there is no group 'C'"),
        ({"step: 2": "stap: 2"}, "13:35: network.stap: unknown key; did you mean 'step'?"),
        ({"step: 2": "step: two"}, "13:35: network.step: must be a whole number (got 'two')"),
        ({"generator: steps": "generator: stepps"}, "13:22: network.generator: there is no generator 'stepps'"),
        ({"lenient.py": "missing.py"}, "3:11: plugins[0]: cannot read 'missing.py'"),
    ],
)
def test_what_is_wrong_is_told_in_its_place(path: Path, changes: dict[str, str], told: str) -> None:
    with pytest.raises(InputError) as caught:
        ecosystem.load_scenario(written(path.parent, **changes), allow_code=True)
    assert f"asked.yaml:{told}" in str(caught.value).splitlines()[0]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("1 / 0", "'lenient.py' does not load: ZeroDivisionError: division by zero"),
        ("def (", "'lenient.py' does not load: SyntaxError"),
        ("x = 1", "'lenient.py' defines no plug-in"),
        (
            "from ecosystem.plugins import Curator\nclass A(Curator, name='a'): pass",
            "'lenient.py' defines a without keep",
        ),
    ],
)
def test_a_file_that_does_not_work_is_told_of(path: Path, code: str, told: str) -> None:
    (path.parent / "lenient.py").write_text(code, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        ecosystem.load_scenario(path, allow_code=True)
    assert f"asked.yaml:3:11: plugins[0]: {told}" in str(caught.value)


def test_files_are_no_list() -> None:
    with pytest.raises(InputError, match="plugins: must be a list"):
        ecosystem.Scenario(name="x", rounds=1, plugins="lenient.py")


def test_a_curator_of_a_file_is_refused_where_outputs_are_vectors(path: Path) -> None:
    changed = TEXT.replace("kind: categorical, size: 3", "kind: gaussian, dimension: 3")
    changed = changed.replace("{a: [1, 0, 0]}", "{a: {linear: [1, 0, 0]}}").replace("  feedback", "  # feedback")
    path.write_text(changed, encoding="utf-8")
    with pytest.raises(
        InputError, match="'lenient' is a plug-in, which chooses among Gaussian outputs where they are drawn only"
    ):
        ecosystem.load_scenario(path, allow_code=True)


def test_commands_ask_for_leave(path: Path) -> None:
    call = CliRunner().invoke
    for command in ("run", "validate", "check", "influence"):
        refused = call(app, [command, str(path)])
        assert "--allow-code" in str(refused.exception)
    assert call(app, ["run", str(path), "--allow-code", "--out", "out"]).exit_code == 0
    assert "valid" in call(app, ["validate", str(path), "--allow-code"]).output
    assert "--allow-code" in str(call(app, ["report", "out"]).exception)
    assert call(app, ["report", "out", "--allow-code"]).exit_code == 0
    assert (path.parent / "out" / "report.html").exists()


def test_a_function_that_judges_is_not_run_for_a_file_alone(tmp_path: Path) -> None:
    (tmp_path / "taste.py").write_text("raise SystemExit('run')")
    path = tmp_path / "judged.yaml"
    path.write_text(
        "name: judged\nrounds: 1\nmode: sampled\noutputs: {kind: images}\n"
        'rewards: {mine: {judge: python, function: "taste:mine"}}\n'
        "models: [{name: m, reward: mine, diet: {raw: 1}}]\nlearning: {examples: 10}\n"
    )
    with pytest.raises(InputError, match=r"5:\d+: rewards\.mine\.function: 'taste:mine' would be run as a program"):
        ecosystem.load_scenario(path)
    assert ecosystem.load_scenario(path, allow_code=True).rewards["mine"].function == "taste:mine"
