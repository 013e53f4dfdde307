"""Install the lowest versions that pyproject.toml states, and try a few things with them.

Bounds that nobody tries are guesses. Of every library the lowest version in its range is asked for; what they need
themselves is pip's choice. The environment is build/lowest, made anew each time.

``python .ci/lowest.py --constraints`` prints the versions and does nothing else.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLACE = ROOT / "build" / "lowest"
EXTRAS = ("explore", "report", "sensitivity")
TRIED = (
    "tests/cli",
    "tests/curators/test_choice.py",
    "tests/learners/test_oracles.py",
    "tests/learners/test_gaussian.py",
    "tests/scenario/test_schema.py",
    "tests/scenario/test_designs.py",
    "tests/store/test_results_tables.py",
    "tests/store/test_writing.py",
    "tests/users/test_oracles.py",
    "tests/influence/test_stable.py",
    "tests/world/test_agents.py",
    "tests/world/test_network.py",
    "tests/analysis/test_plots.py",
    "tests/analysis/test_report.py",
    "tests/analysis/test_sensitivity.py",
)
"""A part of every room, of what is exact and of what touches libraries most."""
TESTING = ("pytest", "pytest-xdist", "hypothesis")
"""What runs the tests, which nobody needs otherwise: as it is pinned."""

_STATED = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?\s*>=\s*([0-9][^,;\s]*)")


def lowest() -> list[str]:
    """Return the lowest version of each library, as constraints."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    stated = [*project["dependencies"], *(line for extra in EXTRAS for line in project["optional-dependencies"][extra])]
    found: dict[str, str] = {}
    for line in stated:
        named = _STATED.match(line)
        if named is None and not line.startswith(project["name"]):
            raise SystemExit(f"pyproject.toml: {line}: has no lower bound")
        if named is not None:
            found[named[1]] = named[2]
    return [f"{name}=={version}" for name, version in sorted(found.items(), key=lambda each: each[0].lower())]


def main() -> None:
    """Make the environment, and run the tests in it."""
    constraints = lowest()
    print("\n".join(constraints), flush=True)
    if "--constraints" in sys.argv:
        return
    shutil.rmtree(PLACE, ignore_errors=True)
    venv.create(PLACE, with_pip=True)
    bounds = PLACE / "constraints.txt"
    bounds.write_text("\n".join(constraints) + "\n", encoding="utf-8")
    pinned = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    tools = [line for line in pinned if line.partition("==")[0] in TESTING]
    python = PLACE / "bin" / "python"
    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", bounds)
    backend = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    _run(*pip, "torch", *backend)
    _run(*pip, "--no-build-isolation", f"{ROOT}[{','.join(EXTRAS)}]", *tools)
    _run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow", "-n", "0", *TRIED)


def _run(*command: object) -> None:
    done = subprocess.run([str(part) for part in command], cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    main()
