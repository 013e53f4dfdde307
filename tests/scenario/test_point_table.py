"""The points of a sweep in a CSV file."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from ecosystem.errors import InputError
from ecosystem.plan.runs import plan
from ecosystem.scenario import Scenario, load_scenario, point_table, points, variant
from scenario.valid import SMALL, WHOLE


def _written(folder: Path, table: str | bytes, name: str = "points.csv") -> Path:
    content = table if isinstance(table, bytes) else table.encode()
    (folder / "points.csv").write_bytes(content)
    path = folder / "scenario.yaml"
    text = WHOLE.replace("grid: {lam: [0.5, 0.6]}", f"table: {name}").partition("expect:")[0]
    path.write_text(text, encoding="utf-8")
    return path


def _told(folder: Path, table: str | bytes) -> str:
    with pytest.raises(InputError) as caught:
        plan(load_scenario(_written(folder, table)))
    return str(caught.value).replace(f"{folder}{os.sep}", "")


def test_cells_are_read_as_in_yaml(tmp_path: Path) -> None:
    table = (
        "lam, learning.corpus ,models.p.curation.candidates,description\r\n"
        '0.5,replace,2,no\r\n\r\n1e-1,"{window: 5}",inf, off\r\n= c / 2,"[1, 2]",= 2 ** 3,"it is: ""quoted"""\r\n'
    )
    scenario = load_scenario(_written(tmp_path, table.replace('"it is: ""quoted"""', '"""quoted"""')))
    found = points(scenario)
    assert list(found[0]) == ["lam", "learning.corpus", "models.p.curation.candidates", "description"]
    assert [tuple(point.values()) for point in found] == [
        (0.5, "replace", 2, "no"),
        (0.1, {"window": 5}, float("inf"), "off"),
        (0.35, [1, 2], 8, "quoted"),
    ]


def test_an_empty_cell_leaves_a_setting_out(tmp_path: Path) -> None:
    scenario = load_scenario(_written(tmp_path, "lam,learning.covariance\n0.5,\n"))
    assert points(scenario) == ({"lam": 0.5, "learning.covariance": None},)


def test_every_place_that_is_listed_is_found(tmp_path: Path) -> None:
    places = load_scenario(_written(tmp_path, "lam,rounds\n0.25,3\n0.75,4\n")).document.places
    listed = dict(places.items())
    assert len(listed) == len(places)
    rows = {path: (place.line, place.column) for path, place in listed.items() if path[:2] == ("sweep", "table")}
    assert {path[2:]: place for path, place in rows.items() if path[2:]} == {
        (0,): (2, 1),
        (0, "lam"): (2, 1),
        (0, "rounds"): (2, 6),
        (1,): (3, 1),
        (1, "lam"): (3, 1),
        (1, "rounds"): (3, 6),
    }
    assert ("sweep", "table", 2) not in places and ("sweep", "table", 0, "c") not in places


def test_a_table_of_too_many_cells_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(point_table, "MAX_CELLS", 5)
    assert "points.csv:1:1: sweep.table: has more than 5 cells" in _told(tmp_path, "lam,rounds\n1,1\n0,2\n1,3\n")


def test_the_rows_go_with_the_scenario(tmp_path: Path) -> None:
    scenario = load_scenario(_written(tmp_path, "lam\n0.25\n0.75\n"))
    (tmp_path / "points.csv").unlink()
    again = pickle.loads(pickle.dumps(scenario))
    assert points(again) == points(scenario) == ({"lam": 0.25}, {"lam": 0.75})
    assert Scenario(**scenario.settings()) == scenario
    assert variant(again, points(again)[1]).models[0].diet.real == 0.25
    with pytest.raises(InputError, match="'lam' is swept"):
        scenario.with_({"lam": 0.3})


def test_runs_are_known_by_what_the_rows_say_not_by_their_form(tmp_path: Path) -> None:
    table = plan(load_scenario(_written(tmp_path, "lam\n0.25\n0.75\n")))
    path = tmp_path / "grid.yaml"
    path.write_text(WHOLE.replace("[0.5, 0.6]", "[0.25, 0.75]").partition("expect:")[0], encoding="utf-8")
    assert [run.id for run in table.runs] == [run.id for run in plan(load_scenario(path)).runs]


def test_a_table_from_python_is_a_list_of_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _written(tmp_path, "lam\n0.25\n")
    monkeypatch.chdir(tmp_path)
    assert points(Scenario(**SMALL, sweep={"table": "points.csv"})) == ({"lam": 0.25},)
    assert points(Scenario(**SMALL, sweep={"table": [{"lam": 0.25}]})) == ({"lam": 0.25},)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("", "points.csv:1:1: sweep.table: has no rows; a first line names the keys"),
        ("lam\n\n", "points.csv:1:1: sweep.table: has no rows"),
        ("lam,,c\n1,2,3\n", "points.csv:1:5: sweep.table: a key is missing in the first line"),
        ("lam,c, lam\n1,2,3\n", "points.csv:1:8: sweep.table: the key 'lam' stands twice"),
        (
            "lam,c\n0.1,0.2\n\n0.3\n",
            "points.csv:4:1: sweep.table: a row has as many cells as there are keys, 2 (got 1;",
        ),
        ("lam,c\n0.1,= max(c, 1)\n", "points.csv:2:1: sweep.table: a row has as many cells"),
        ('lam,c\n0.1,"0.2\n', "points.csv:2:1: sweep.table: is not CSV: a quote is not closed on its line"),
        ("lam,c\n0.1,[1\n", "points.csv:2:5: sweep.table[0].c: is not YAML"),
        ('lam,c\n"0.1",  1e999\n', "points.csv:2:9: sweep.table[0].c: '1e999' is too large"),
        ("lam,c\n0.1,\x01\n", "points.csv:2:5: sweep.table: the character '\\x01' cannot stand in YAML"),
        (b"lam\n\xff\n", "points.csv:2:1: sweep.table: is not UTF-8 text"),
        ("lma\n1\n", "points.csv:1:1: sweep.table[0].lma: 'lma' is neither a parameter nor a setting"),
        ("c, lam\n0.1, = c\n", "points.csv:2:6: sweep.table[0].lam: refers to 'c', which is swept itself"),
        ("c, lam\n0.1, = cc\n", "points.csv:2:6: sweep.table[0].lam: there is no parameter 'cc'"),
        ("learning.rate\n0.5\n\n1.5\n", "points.csv:4:1: learning.rate: must be at most 1 (got 1.5)"),
        ("learning.rate\n1.5\n0.5\n", "points.csv:2:1: learning.rate: must be at most 1 (got 1.5)"),
    ],
)
def test_what_is_wrong_is_told_at_its_line_and_column(tmp_path: Path, table: str | bytes, told: str) -> None:
    assert _told(tmp_path, table).startswith(told)


def test_every_wrong_cell_is_told(tmp_path: Path) -> None:
    told = _told(tmp_path, "lam,c\n1e999,[1\n0.1\n{,0.5\n").splitlines()
    assert [line.split(": ")[0] for line in told] == [f"points.csv:{place}" for place in ("2:1", "2:7", "3:1", "4:1")]


@pytest.mark.parametrize("name", ["absent.csv", ".", '"a\\0b"', "''", "/dev/zero", "../" * 200 + "x", "x" * 5000])
def test_a_file_that_is_none_is_told_where_it_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError) as caught:
        load_scenario(_written(tmp_path, "lam\n1\n", name))
    assert str(caught.value).startswith(f"{tmp_path / 'scenario.yaml'}:26:10: sweep.table: ")


def test_a_table_of_too_many_points_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "has 100,001 rows, and at most 100,000" in _told(tmp_path, "lam\n" + "0.1\n" * 100_001)
    monkeypatch.setattr(point_table, "MAX_BYTES", 10)
    assert "more than 1e-05 MB; split the table" in _told(tmp_path, "lam\n0.123456789\n")


def test_twenty_problems_are_told_and_the_rest_counted(tmp_path: Path) -> None:
    told = _told(tmp_path, "learning.rate\n1\n" + "".join(f"{2 + i}\n" for i in range(70))).splitlines()
    assert len(told) == 21
    assert told[19].startswith("points.csv:22:1: ")
    assert told[20] == "and 50 more"
