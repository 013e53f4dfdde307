"""Mutation testing of the mathematics: small changes of the code, each of which some test must notice.

``make mutate`` tries them; CONTRIBUTING.md says how to read what it says.
"""
