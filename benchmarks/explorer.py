"""The explorer in a headless Chromium: how long a page takes to open, and a slider to change its picture.

Opening is from starting the command to the network being painted; a slider's answer is from the key to the
new picture being painted, the median of several. Other programs slow all of it, so the load of the machine is
told beside: figures count on an idle one.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from _timing import RESULTS
from playwright.sync_api import Page, sync_playwright

from ecosystem.runner.run import run

CHROMIUM = "/usr/bin/chromium"
PAINTED = "#network-panel[data-painted]"


def opened(target: str, port: int, browser: Any) -> tuple[subprocess.Popen[str], Page, float, float]:
    """Start the command and open its page; return seconds until it served, and until it was painted."""
    program = Path(sys.executable).with_name("ecosystem")
    began = time.perf_counter()
    command = [str(program), "explore", target, "--no-browser", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    server.stdout.readline()
    served = time.perf_counter() - began
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(f"http://127.0.0.1:{port}/")
    page.wait_for_selector(PAINTED)
    return server, page, served, time.perf_counter() - began


def answers(page: Page, slider: str, key: str, repeats: int, seen: str) -> list[float]:
    """Press a key on a slider again and again; return seconds until what `seen` gives has changed."""
    taken = []
    for _ in range(repeats):
        page.wait_for_timeout(700)
        page.focus(slider)
        before = page.evaluate(seen)
        began = time.perf_counter()
        page.keyboard.press(key)
        page.wait_for_function(f"before => ({seen})() !== before", arg=before, polling=10)
        taken.append(time.perf_counter() - began)
    return taken


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--port", type=int, default=8765)
    arguments = parser.parse_args()
    figures: dict[str, Any] = {}
    painted = "() => document.querySelector('#network-panel').dataset.painted"
    colours = "() => document.getElementById('network')._cyreg.cy.nodes().map(n => n.data('fill')).join()"
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        stored = Path(folder) / "scale_free_curated"
        run("scale_free_curated", out=stored)
        cases = (
            ("a finished run of 1,000 models", str(stored), "#round", "ArrowLeft", painted),
            ("1,000 models live", "scale_free_curated", "input[id*=knob]", "PageUp", colours),
            ("two models live", "two_model_backfire", "input[id*=knob]", "ArrowRight", colours),
        )
        print(f"{'page':32s} {'served s':>9s} {'painted s':>10s} {'slider s':>9s} {'slowest':>8s}   {'load':>5s}")
        for number, (name, target, slider, key, seen) in enumerate(cases):
            server, page, served, ready = opened(target, arguments.port + number, browser)
            try:
                page.wait_for_timeout(6000)  # what is loaded after the picture is loaded by then
                taken = answers(page, slider, key, arguments.repeats, seen)
            finally:
                server.terminate()
                server.wait()
            load = os.getloadavg()[0] / (os.cpu_count() or 1)
            figures[name] = {"served": served, "painted": ready, "slider": taken, "load": load}
            middle, most = statistics.median(taken), max(taken)
            print(f"{name:32s} {served:9.2f} {ready:10.2f} {middle:9.3f} {most:8.3f}   {load:5.2f}", flush=True)
            page.close()
        browser.close()
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / "explorer.json"
    path.write_text(
        json.dumps({"machine": platform.machine(), "python": platform.python_version(), **figures}, indent=1)
    )
    print(f"figures: {path}")


if __name__ == "__main__":
    main()
