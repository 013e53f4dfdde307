"""Every page holds what it says: its blocks are run, its tables are complete, its links lead somewhere."""

from __future__ import annotations

import ast
import html
import inspect
import re
from pathlib import Path

import markdown
import pytest
import yaml

import analysis
from docs.generate import code, command_line, yaml_reference
from docs.generate.mathml import with_mathml
from ecosystem import load_scenario, plugins, testing
from ecosystem.scenario.columns import TABLES
from ecosystem.scenario.shipped import shipped
from tests.docs.pages import DOCS, PAGES, ROOT, TUTORIALS, blocks, follow

SLOW = {"README", "batches", "explore", "influence", "scenario"}
"""Pages that take more than a few seconds."""

RUN = [page for page in PAGES if any(True for _ in blocks(page))]


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=[pytest.mark.slow] * (page.stem in SLOW), id=page.stem) for page in RUN],
)
def test_a_page_works_as_it_stands(page: Path, tmp_path: Path) -> None:
    follow(page, tmp_path)


def test_a_block_that_nobody_runs_is_told(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```ruby\nputs 1\n```\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="in ruby"):
        follow(page, tmp_path)


def test_a_call_for_elsewhere_that_the_program_does_not_take_fails(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text('``` {.python .elsewhere}\necosystem.run("x", speed=2)\n```\n', encoding="utf-8")
    with pytest.raises(TypeError, match="speed"):
        follow(page, tmp_path)


NAMED = code.mentions(DOCS)


@pytest.mark.parametrize("name", sorted(NAMED))
def test_what_a_page_names_of_the_code_is_there(name: str) -> None:
    module, inside = code.locate(name)
    assert (ROOT / f"{module.replace('.', '/')}.py").is_file() or (ROOT / module.replace(".", "/")).is_dir()
    assert f"{module}.{inside}" == name


def test_links_to_code_that_is_not_there_are_told() -> None:
    for name in ("ecosystem.curators.luce.Lace", "ecosystem.curators.lace.Luce", "nowhere.at.all"):
        with pytest.raises(LookupError):
            code.locate(name)


def test_the_mathematics_names_code_beside_every_symbol() -> None:
    text = (DOCS / "background" / "mathematics.md").read_text(encoding="utf-8")
    rows = [row for row in text.splitlines() if row.startswith("| ") and not re.search(r"\| code \|$", row)]
    assert len(rows) > 50
    assert [row for row in rows if "{code: " not in row] == []


def test_every_key_of_a_scenario_has_an_example() -> None:
    told = "add one to a scenario in docs/reference/examples/, or as Field(examples=[…])"
    assert yaml_reference.without_example() == [], told


def test_the_reference_has_every_block_and_its_examples_are_yaml() -> None:
    from ecosystem.scenario.schema import schema

    page = yaml_reference.page()
    assert set(re.findall(r"^## .* \{ #(\w+) \}$", page, re.MULTILINE)) == {"Scenario", *schema()["$defs"]}
    parts = re.findall(r"^``` \{\.yaml \.part\}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(parts) > 20
    assert all(isinstance(yaml.safe_load(part), dict) for part in parts)
    for link in re.findall(r"\]\(#(\w+)\)", page):
        assert f"{{ #{link} }}" in page


def test_the_reference_tells_where_plugins_are_named_and_shows_one_of_each_kind() -> None:
    from ecosystem.plugins.registry import GROUPS

    page = yaml_reference.page()
    sections = dict(re.findall(r"^## [^\n]* \{ #(\w+) \}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    for group, base in GROUPS.items():
        assert re.search(rf"^\| `[\w.…\[\]` ]+` \| [\w ]+ \| `{base}` \| `ecosystem\.{group}` \|$", page, re.MULTILINE)
        if group not in ("networks", "crafts"):  # whose blocks are those of other generators and kinds, too
            assert f"`ecosystem.plugins.{base}`" in sections[base] and f"`ecosystem.{group}`" in sections[base]
            keys = set(re.findall(r"^\| `(\w+)` \|", sections[base], re.MULTILINE))
            shown = re.search(r"^``` \{\.yaml \.part\}\n(.*?)^```$", sections[base], re.MULTILINE | re.DOTALL)
            assert shown is not None, base
            assert set(yaml.safe_load(shown[1])) - keys, f"{base}: no setting of its own is shown"


@pytest.mark.parametrize("path", sorted((DOCS / "reference" / "examples").glob("*.yaml")), ids=lambda path: path.stem)
def test_an_example_of_the_reference_runs(path: Path) -> None:
    import ecosystem

    results = ecosystem.run(load_scenario(path, allow_code=True))
    assert set(results.runs["status"]) == {"done"}


def test_the_page_of_commands_has_every_command_and_option() -> None:
    page = command_line.page()
    for name in (
        "new",
        "run",
        "validate",
        "check",
        "export",
        "list",
        "schema",
        "influence",
        "plan",
        "doctor",
        "report",
    ):
        assert f"{{ #ecosystem-{name} }}" in page
    assert "`--retry-failed`" in page and "`--where COLUMN=VALUE`" in page


def test_the_page_of_commands_shows_bars_without_backslashes() -> None:
    shown = markdown.markdown(command_line.page(), extensions=["tables", "attr_list", "pymdownx.superfences"])
    cells = [html.unescape(cell) for cell in re.findall(r"<td><code>(.*?)</code></td>", shown)]
    assert "--network <none|ring|scale_free>" in cells and "--retry-failed" in cells
    assert not [cell for cell in cells if "\\" in cell]


def test_each_parameter_of_the_reference_has_the_type_and_default_of_its_own() -> None:
    griffe = pytest.importorskip("griffe", reason="the extra [docs] is not installed")
    extensions = griffe.load_extensions(str(ROOT / "docs" / "generate" / "signatures.py"))
    loaded = griffe.load("analysis", search_paths=[ROOT], docstring_parser="numpy", extensions=extensions)
    checked = 0
    for name in analysis.__all__:
        function = getattr(analysis, name)
        if not inspect.isfunction(function):
            continue
        stated = inspect.signature(function).parameters
        read = loaded[function.__module__.removeprefix("analysis.")][name]
        sections = [part.value for part in read.docstring.parsed if part.kind.value == "parameters"]
        for each in (each for section in sections for each in section):
            own = stated[each.name.lstrip("*")]
            default = None if own.default is own.empty else own.default
            assert (each.value is None) == (own.default is own.empty), (name, each.name)
            assert each.value is None or ast.literal_eval(each.value) == default, (name, each.name)
            checked += 1
    assert checked > 60
    read = loaded["comparison.compare_runs"]
    (told,) = [part.value for part in read.docstring.parsed if part.kind.value == "parameters"]
    types = {name: own.annotation for name, own in inspect.signature(analysis.compare_runs).parameters.items()}
    assert {each.name: str(each.annotation) for each in told} == types


def test_the_page_of_plugins_has_all_that_plugins_and_their_tests_are_made_of() -> None:
    text = (DOCS / "reference" / "plugins.md").read_text(encoding="utf-8")
    there = {name.rpartition(".")[2] for name in re.findall(r"^::: (\S+)$", text, re.MULTILINE)}
    there |= set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`[^|]*) \|", text, re.MULTILINE))))
    assert {*plugins.__all__, *testing.__all__} <= there


def test_the_page_of_tables_has_every_table_and_column() -> None:
    text = (DOCS / "reference" / "tables.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    assert set(sections) == set(TABLES)
    for table, columns in TABLES.items():
        firsts = " ".join(row.split("|")[1] for row in sections[table].splitlines() if row.startswith("|"))
        assert set(re.findall(r"`(\w+)`", firsts)) == set(columns), table


@pytest.mark.parametrize("page", [DOCS / "scenarios.md"], ids=lambda page: page.stem)
def test_every_shipped_scenario_has_its_question(page: Path) -> None:
    named = re.findall(r"\| `(\w+)` \|", page.read_text(encoding="utf-8"))
    assert sorted(named) == sorted(shipped())


def test_every_number_of_the_readme_is_one_that_is_checked() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| [^|]* \| ([^|]*) \|", text, re.MULTILINE)
    assert len(rows) >= 5
    for scenario, found in rows:
        expected = [each.value for each in load_scenario(scenario).expect if each.value is not None]
        for number in re.findall(r"−?\d*\.\d+", found):
            digits, value = len(number.partition(".")[2]), float(number.replace("−", "-"))
            near = [each for each in expected if abs(each - value) <= 0.5000001 * 10.0**-digits]
            assert near, f"{scenario}: {number} is none of {expected}"


def test_links_between_pages_lead_to_files() -> None:
    for page in (*PAGES, *TUTORIALS):
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            made = {"yaml.md", "commands.md", "code.md", "changelog.md", "contributing.md"}
            if "://" not in target and Path(target).name not in made:
                assert (page.parent / target).is_file(), f"{page.name}: {target}"


def test_formulas_become_mathml() -> None:
    made = with_mathml(r'<p><span class="arithmatex">\(a &lt; b\)</span></p>')
    assert "<math" in made and "&#x0003C;" in made and "arithmatex" not in made
