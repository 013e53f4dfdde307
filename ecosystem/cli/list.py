"""``ecosystem list``: the scenarios that come with the program."""

from __future__ import annotations


def list_scenarios() -> None:
    """List the scenarios that come with the program."""
    from ecosystem.cli.terminal import one_line, print_table
    from ecosystem.errors import EcosystemError
    from ecosystem.scenario.load import load_scenario
    from ecosystem.scenario.shipped import shipped

    rows = []
    for name, path in shipped().items():
        try:
            scenario = load_scenario(path)
            rows.append([name, one_line(scenario.description, 108), one_line(scenario.source)])
        except EcosystemError as error:
            rows.append([name, one_line(f"(not valid: {error})", 108), ""])
    print_table(["scenario", "description", "source"], rows)
