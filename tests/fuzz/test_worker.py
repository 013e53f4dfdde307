"""The process that tries spoilt scenarios notices what it is there for."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

PREAMBLE = """
import os, sys
from pathlib import Path
from tests.fuzz import worker
worker.SECONDS = 0.5
def fail(text, status=2):
    print(text, file=sys.stderr)
    sys.exit(status)
"""

BAD = {
    "raise ValueError('x')": "ValueError: x",
    "fail('Traceback (most recent call last):')": "a traceback",
    "fail('scenario.yaml:1:2: rounds: is wrong', 1)": "exit status 1",
    "fail('rounds: is wrong')": "a message without file, line and column",
    "fail('scenario.yaml:1:2: rounds: is\\n wrong')": "a message without file, line and column",
    "fail('')": "exit status 2 without a message",
    "fail('scenario.yaml:1:2: TypeError: x')": "an error of the program's own",
    "pass": "did not exit",
    "while True: pass": "more than 0.5 s",
    "os._exit(3)": "ended",
    "b = bytearray(3 * 10**9)": "MemoryError",
    "Path('../stray').write_text('x'); fail('scenario.yaml:1:2: x')": "written outside the output directory",
    "Path('stray').mkdir(); fail('scenario.yaml:1:2: x')": "written outside the output directory",
    "Path('scenario.yaml').unlink(); fail('scenario.yaml:1:2: x')": "written outside the output directory",
}
GOOD = {
    "fail('scenario.yaml:1:2: rounds: is wrong')": None,
    "fail('scenario.yaml: points.csv:1:2: lam: is wrong\\nscenario.yaml: and 3 more')": None,
    "Path('runs').mkdir(); Path('runs/x').write_text('x'); fail('scenario.yaml:1:2: x')": None,
}


@pytest.mark.parametrize(("does", "told"), [*BAD.items(), *GOOD.items()])
def test_what_a_command_does_is_noticed(does: str, told: str | None) -> None:
    code = f"{PREAMBLE}\ndef command():\n    {does}\nworker.main(command)"
    case = json.dumps({"scenario.yaml": base64.b64encode(b"name: x").decode()})
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", code]
    process = subprocess.run(command, input=case + "\n", capture_output=True, text=True, cwd=root, check=told is None)
    if told == "ended":
        assert process.returncode == 3
        return
    answer = json.loads(process.stdout)
    assert answer is None if told is None else told in answer
