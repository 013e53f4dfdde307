"""Executing what a store lacks of a plan."""
