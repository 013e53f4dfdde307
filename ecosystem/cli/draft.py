"""A first scenario: what was asked for, written with a comment on every block."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What models write."""

    CATEGORICAL = "categorical"
    GAUSSIAN = "gaussian"


class Links(StrEnum):
    """Who reads whom."""

    NONE = "none"
    RING = "ring"
    SCALE_FREE = "scale_free"


class Mode(StrEnum):
    """Whether training sets are infinitely large, or drawn."""

    EXACT = "exact"
    SAMPLED = "sampled"


@dataclass(frozen=True)
class Wish:
    """What a scenario is to be like.

    Attributes
    ----------
    name : str
        Its name.
    outputs : Kind
        What models write.
    models : int
        How many there are.
    network : Links
        Who reads whom; nobody where there is one model only.
    curated, users, sweep : bool
        Whether models are curated, whether two groups of users answer back, whether a parameter is varied.
    mode : Mode
        Whether training sets are drawn.
    """

    name: str
    outputs: Kind = Kind.CATEGORICAL
    models: int = 2
    network: Links = Links.RING
    curated: bool = True
    users: bool = False
    mode: Mode = Mode.EXACT
    sweep: bool = True

    @property
    def linked(self) -> bool:
        """Whether any model reads another."""
        return self.models > 1 and self.network is not Links.NONE


def draft(wish: Wish, schema: str) -> str:
    """Return a scenario as text that can be run as it is.

    Parameters
    ----------
    wish : Wish
        What it is to be like.
    schema : str
        Where an editor finds the JSON Schema, from the file's own directory.
    """
    blocks = [_head(wish, schema), _outputs(wish), _models(wish), _network(wish), _users(wish), _learning(wish)]
    return "\n".join(block for block in [*blocks, _sweep(wish)] if block)


def _head(wish: Wish, schema: str) -> str:
    drawn = wish.mode is Mode.SAMPLED
    return f"""\
# yaml-language-server: $schema={schema}
# The line above lets an editor complete keys. `ecosystem validate FILE` tells every mistake at its line.
version: 1
name: {_quoted(wish.name)}
description: {_description(wish)}
rounds: 50
seeds: {5 if drawn else 1}{"                    # each seed is a run with other random numbers" if drawn else ""}
mode: {wish.mode}{" " * (22 - len(wish.mode))}# exact: as if training sets were infinite; sampled: they are drawn

# Named numbers. `= …` is arithmetic over them{_changed(wish)}.
parameters: {{synthetic: 0.5}}
"""


def _changed(wish: Wish) -> str:
    return "; the sweep below gives it other values" if wish.sweep else ", and `--set synthetic=0.8` changes one"


def _description(wish: Wish) -> str:
    number = "One model" if wish.models == 1 else f"{wish.models} models"
    parts = [f" on a {wish.network.replace('_', '-')} network"] if wish.linked else []
    parts += [", curated"] if wish.curated else []
    return number + "".join(parts) + (", with two groups of users." if wish.users else ".")


def _outputs(wish: Wish) -> str:
    contexts = ", contexts: 2" if wish.users else ""
    taste = "{centre: [0, 1], curvature: 1.0}" if wish.outputs is Kind.GAUSSIAN else "[0, 0, 0.5, 1]"
    second = f"\n  second: {taste}" * wish.users
    if wish.outputs is Kind.GAUSSIAN:
        return f"""\
# What models write: points with two coordinates, each model a normal law{" in each context" if wish.users else ""}.
outputs: {{kind: gaussian, dimension: 2{contexts}}}

# What a point is worth: most at the centre, less away from it.
rewards:
  first: {{centre: [1, 0], curvature: 1.0}}{second}
"""
    scores = ", scores: {lean: [1, 1, 0, 0], quality: [1, 0, 1, 0]}" if wish.users else ""
    said = " A context is a kind of prompt; biases read the scores." if wish.users else ""
    return f"""\
# What models write: one of four outputs.{said}
outputs: {{kind: categorical, size: 4{contexts}{scores}}}

# What each output is worth; a reward has a name, for tastes differ.
rewards:
  first: [1, 0.5, 0, 0]{second}
"""


def _models(wish: Wish) -> str:
    own = "curated" if wish.curated else "raw"
    shares = {own: "= synthetic", "real": "= 1 - synthetic"}
    if wish.linked:
        half = "= synthetic / 2"
        shares = {own: half, f"neighbours_{own}": half, "real": "= 1 - synthetic"}
    diet = ", ".join(f"{source}: {share}" for source, share in shares.items())
    several = f"\n    count: {wish.models}                      # m0, m1, …" if wish.models > 1 else ""
    # Gaussian choice by a quadratic reward is exact among infinitely many candidates.
    candidates = "inf" if wish.outputs is Kind.GAUSSIAN else "4"
    curation = (
        f"""
    # Of so many outputs a curator keeps one, the likelier the more it is worth.
    curation: {{method: luce, candidates: {candidates}}}"""
        if wish.curated
        else ""
    )
    return f"""\
# The diet says what share of a model's next training set comes from where; shares sum to 1.
models:
  - name: m{several}
    reward: first                 # by which alignment is measured{", and by which the curator chooses" * wish.curated}
    diet: {{{diet}}}{curation}
"""


def _network(wish: Wish) -> str:
    if not wish.linked:
        return ""
    if wish.network is Links.RING:
        return """\
# Who reads whom: a NetworkX generator by name, or `edges: [{from: m0, to: m1}]`.
network: {generator: cycle}
"""
    links = 1 if wish.models < 4 else 2
    return f"""\
# Who reads whom: a NetworkX generator by name, drawn from the run's seed.
network: {{generator: barabasi_albert, m: {links}}}
"""


def _users(wish: Wish) -> str:
    if not wish.users:
        return ""
    choice = "\n  choice: {method: softmax, temperature: 0.5}        # more go where they are served better" * (
        wish.models > 1
    )
    return f"""\
# Who asks: two groups, each of its own kind of prompt. Who is served badly leaves, some arrive.
users:
  groups:
    - {{name: A, size: 600, contexts: [0], reward: first}}
    - {{name: B, size: 400, contexts: [1], reward: second}}{choice}
  feedback: {{method: retention, scale: 5.0, arrivals: 50}}
"""


def _learning(wish: Wish) -> str:
    examples = ", examples: 1000" if wish.mode is Mode.SAMPLED else ""
    return f"""\
# retrain: each round starts from the first model; incremental: from the present one, and moves by `rate`.
learning: {{regime: retrain, rate: 1.0{examples}}}
"""


def _sweep(wish: Wish) -> str:
    if not wish.sweep:
        return ""
    return """\
# Every value is a run of its own.
sweep:
  grid: {synthetic: [0.2, 0.5, 0.8]}
"""


def _quoted(name: str) -> str:
    """Return a name as YAML reads it: plain where that is safe."""
    import json
    import re

    plain = re.fullmatch(r"[A-Za-z][\w-]*", name, re.ASCII) and name not in ("true", "false", "null", "inf", "nan")
    return name if plain else json.dumps(name)
