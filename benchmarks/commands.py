"""How long the program takes to say what it can do, and to check a shipped scenario."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
from pathlib import Path

from _timing import Comparison, header, keep, row, seconds

PROGRAM = Path(sys.executable).parent / "ecosystem"


def main() -> None:
    """Measure and print; the other side is what is allowed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    repeats = parser.parse_args().repeats
    found = []
    print(header("takes", "allowed"))
    for words, allowed in ((["--help"], 0.3), (["validate", "scale_free_curated"], 1.0)):

        def run(words: list[str] = words) -> None:
            subprocess.run([PROGRAM, *words], check=True, stdout=subprocess.DEVNULL)

        run()
        taken = [seconds(run) for _ in range(repeats)]
        found.append(Comparison(f"ecosystem {' '.join(words)}", taken, [allowed] * repeats, at_most=1))
        print(row(found[-1]))
    middles = {each.name: round(statistics.median(each.first), 3) for each in found}
    print(f"figures: {keep('commands', found, seconds=middles)}")


if __name__ == "__main__":
    main()
