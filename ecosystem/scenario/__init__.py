"""What the user wrote: fields, YAML with positions, parameters, sweeps."""

from ecosystem.scenario.load import load_scenario
from ecosystem.scenario.scenario import Scenario
from ecosystem.scenario.schema import schema
from ecosystem.scenario.shipped import shipped
from ecosystem.scenario.sweeps import points, variant

__all__ = ["Scenario", "load_scenario", "points", "schema", "shipped", "variant"]
