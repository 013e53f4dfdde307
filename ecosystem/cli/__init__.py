"""The command line. Commands import what they need when they are called, so that help is quick."""

from ecosystem.cli.app import main

__all__ = ["main"]
