"""``python -m mutation``: try the mutants of modules, and name those that no test notices."""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import random
import sys
import time
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path

from mutation.mutants import Mutant, mutants_of
from mutation.record import explained, in_record
from mutation.trial import KILLED, LEFT, PLACE, ROOT, Room, state_of, try_in_place, try_on_import

JUDGES = Path(__file__).with_name("judges.toml")
RESULTS = PLACE / "results.jsonl"
IMPORTED = ("hypothesis", "mesa", "networkx", "pandas", "pyarrow.parquet", "pydantic", "scipy.stats", "torch")
"""What every trial needs and takes long to import."""


def main() -> int:
    """Try mutants as the command line says; return 1 where one survives that the record does not explain."""
    asked = _arguments()
    rooms = [
        Room(name, room["modules"], room["tests"], asked.longest)
        for name, room in tomllib.loads(JUDGES.read_text(encoding="utf-8")).items()
    ]
    random_order = random.Random(asked.seed)
    known = _known()
    chosen: dict[str, list[Mutant]] = {}
    became: dict[tuple[object, ...], str] = {}
    whole: Counter[str] = Counter()
    for room in rooms:
        for module in room.modules:
            if asked.modules and not any(name in module for name in asked.modules):
                continue
            mutants = mutants_of(ROOT / module, module)
            whole[module] = len(mutants)
            random_order.shuffle(mutants)
            if asked.survivors:
                mutants = [mutant for mutant in mutants if _open(mutant, known)]
            chosen[module] = mutants[: min(math.ceil(asked.share * len(mutants)), asked.most)]
    if not chosen:
        print(f"No module of {JUDGES} has any of these in its path: {', '.join(asked.modules)}.", file=sys.stderr)
        return 2
    os.environ["OMP_NUM_THREADS"] = "1"
    for name in IMPORTED:
        __import__(name)
    until = time.time() + 60 * asked.minutes
    PLACE.mkdir(parents=True, exist_ok=True)
    with RESULTS.open("a", encoding="utf-8") as results:
        on_import: list[tuple[Room, Mutant]] = []

        def note(room: Room, mutant: Mutant, what: str) -> None:
            became[mutant.key] = what
            results.write(json.dumps([_identity(mutant), what, _judges(room)]) + "\n")
            results.flush()

        for room in rooms:
            due = []
            for mutant in (mutant for module in room.modules for mutant in chosen.get(module, ())):
                before = known.get(_identity(mutant))
                if before and not asked.again and (before[0] == KILLED or before[1] == _judges(room)):
                    became[mutant.key] = before[0]
                elif not (asked.unexplained and mutant.key in explained()):
                    due.append(mutant)
            on_import += [(room, mutant) for mutant in due if not mutant.function]
            inside = [mutant for mutant in due if mutant.function]
            if inside and time.time() < until:
                for mutant, what in try_in_place(room, inside, until, lambda text: print(text, flush=True)):
                    if what == LEFT:
                        on_import.append((room, mutant))
                    else:
                        note(room, mutant, what)
        for room, mutant in on_import:
            if time.time() < until:
                note(room, mutant, try_on_import(room, mutant))
    return _told(chosen, became, whole)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", help="parts of paths of modules; all of judges.toml unless any is named")
    parser.add_argument(
        "--share", type=float, default=1.0, help="the part of the mutants that is tried, drawn at random"
    )
    parser.add_argument("--most", type=int, default=sys.maxsize, help="so many of each module at most")
    parser.add_argument("--seed", type=int, default=0, help="of the draw of that part")
    parser.add_argument("--minutes", type=float, default=math.inf, help="when to stop; the same command then goes on")
    parser.add_argument("--longest", type=float, default=math.inf, help="seconds; tests that take longer do not judge")
    parser.add_argument("--again", action="store_true", help="try also what was tried on the same module before")
    parser.add_argument("--survivors", action="store_true", help="only what survived before and nothing explains")
    parser.add_argument("--unexplained", action="store_true", help="leave out what the record explains")
    return parser.parse_args()


def _known() -> dict[str, tuple[str, str]]:
    """Return what became of mutants earlier, and the tests that judged them."""
    if not RESULTS.exists():
        return {}
    lines = map(json.loads, RESULTS.read_text(encoding="utf-8").splitlines())
    return {identity: (what, tests) for identity, what, tests in lines}


def _open(mutant: Mutant, known: dict[str, tuple[str, str]]) -> bool:
    """Whether a mutant was tried earlier, was not killed, and is not explained."""
    return known.get(_identity(mutant), (KILLED, ""))[0] != KILLED and mutant.key not in explained()


def _identity(mutant: Mutant) -> str:
    return hashlib.sha256(f"{mutant.module}\0{mutant.source}".encode()).hexdigest()[:24]


@cache
def _judges(room: Room) -> str:
    """Return what tells the tests of a room from what they were earlier."""
    return f"{state_of(*room.tests)} up to {room.longest} s"


def _told(chosen: dict[str, list[Mutant]], became: dict[tuple[object, ...], str], whole: Counter[str]) -> int:
    """Print what became of the mutants, and the record's lines of those that nothing explains."""
    reasons = explained()
    new: list[tuple[Mutant, str]] = []
    print(f"{'module':44} {'mutants':>8} {'tried':>6} {'killed':>7} {'explained':>10} {'survive':>8}")
    total: Counter[str] = Counter()
    for module, mutants in chosen.items():
        count = Counter(mutants=whole[module])
        for mutant in mutants:
            what = became.get(mutant.key)
            if what is None:
                continue
            count["tried"] += 1
            if what == KILLED:
                count["killed"] += 1
            elif mutant.key in reasons:
                count["explained"] += 1
            else:
                count["survive"] += 1
                new.append((mutant, what))
        total += count
        _row(module, count)
    _row("all", total)
    for mutant, what in sorted(new, key=lambda each: (each[0].module, each[0].lines.start)):
        print()
        print(f"# {mutant.module}:{mutant.lines.start}: {what}")
        print(in_record(mutant))
    return 1 if new else 0


def _row(name: str, count: Counter[str]) -> None:
    print(
        f"{name:44} {count['mutants']:8} {count['tried']:6} {count['killed']:7} "
        f"{count['explained']:10} {count['survive']:8}"
    )


if __name__ == "__main__":
    sys.exit(main())
