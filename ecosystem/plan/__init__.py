"""From a scenario to its runs, and from runs to chunks that are executed together."""
