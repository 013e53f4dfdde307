"""Install the lowest versions that pyproject.toml states, and run a part of the tests with them.

Bounds that nobody tries are guesses. Of every library, those of the extras too, the lowest version in its range is
asked for; what they need themselves is pip's choice. The environment is build/lowest, made anew each time.

The lowest torch brings gigabytes of CUDA libraries where the pinned one may be a small build, so it is asked for by
``--torch lowest`` only; without it torch is as it is pinned. What stands after ``--`` is told to pytest, in place of
what is tried otherwise.

``python .ci/lowest.py --constraints`` prints the versions and does nothing else.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLACE = ROOT / "build" / "lowest"
EXTRAS = ("docs", "explore", "images", "language", "report", "sensitivity")
TRIED = (
    "tests/analysis/test_plots.py",
    "tests/analysis/test_report.py",
    "tests/analysis/test_sensitivity.py",
    "tests/cli",
    "tests/curators/test_choice.py",
    "tests/docs/test_pages.py",
    "tests/explorer",
    "tests/influence/test_stable.py",
    "tests/learners/language",
    "tests/learners/neural",
    "tests/learners/test_gaussian.py",
    "tests/learners/test_oracles.py",
    "tests/outputs",
    "tests/scenario/test_designs.py",
    "tests/scenario/test_schema.py",
    "tests/store",
    "tests/users/test_oracles.py",
    "tests/world/test_agents.py",
    "tests/world/test_network.py",
)
"""A part of every room, of what is exact and of what touches libraries most."""
TESTING = ("hypothesis", "pytest", "pytest-xdist")
"""What runs the tests, which nobody needs otherwise: as it is pinned."""

_STATED = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?\s*>=\s*([0-9][^,;\s]*)")


def lowest() -> dict[str, str]:
    """Return the lowest version of each library, by its name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    stated = [*project["dependencies"], *(line for extra in EXTRAS for line in project["optional-dependencies"][extra])]
    found: dict[str, str] = {}
    for line in stated:
        named = _STATED.match(line)
        if named is None and not line.startswith(project["name"]):
            raise SystemExit(f"pyproject.toml: {line}: has no lower bound")
        if named is not None:
            found[named[1]] = named[2]
    return dict(sorted(found.items(), key=lambda each: each[0].lower()))


def pinned(*names: str) -> dict[str, str]:
    """Return the versions of these libraries in constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = dict(line.split("==") for line in lines if line.partition("==")[0] in names)
    if missing := set(names) - set(found):
        raise SystemExit(f"constraints.txt: has no {', '.join(sorted(missing))}")
    return found


def main() -> None:
    """Make the environment, and run tests in it."""
    parser = argparse.ArgumentParser(description="Try the lowest versions that pyproject.toml states.")
    parser.add_argument("--constraints", action="store_true", help="print the lowest versions, and do nothing else")
    parser.add_argument("--torch", choices=("pinned", "lowest"), default="pinned", help="which torch is installed")
    parser.add_argument("pytest", nargs="*", metavar="ARGUMENT", help="what pytest is told (after --)")
    asked = parser.parse_args()
    versions = lowest()
    if not asked.constraints and asked.torch == "pinned":
        versions |= pinned("torch")
    told = [f"{name}=={version}" for name, version in versions.items()]
    print("\n".join(told), flush=True)
    if asked.constraints:
        return
    python = _environment(told)
    tests = asked.pytest or ["-m", "not slow", *TRIED, "-n", os.environ.get("WORKERS", "2")]
    _run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests)


def _environment(versions: list[str]) -> Path:
    """Make the environment of these versions; return its Python."""
    shutil.rmtree(PLACE, ignore_errors=True)
    venv.create(PLACE, with_pip=True)
    bounds = PLACE / "constraints.txt"
    bounds.write_text("\n".join(versions) + "\n", encoding="utf-8")
    tools = [f"{name}=={version}" for name, version in pinned(*TESTING).items()]
    python = PLACE / "bin" / "python"
    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", bounds)
    backend = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    _run(*pip, "torch", *backend)
    _run(*pip, "--no-build-isolation", f"{ROOT}[{','.join(EXTRAS)}]", *tools)
    return python


def _run(*command: object) -> None:
    done = subprocess.run(
        [str(part) for part in command], cwd=ROOT, check=False, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    main()
