"""Scenarios that are valid, for tests to load or to spoil."""

from __future__ import annotations

from typing import Any

WHOLE = """\
name: two-model-backfire
description: Curating p more can lower p's own alignment when p also learns from q.
source: arXiv:2605.29267
rounds: 200                       # or {max: 5000, until: stable, tolerance: 1.0e-12}
seeds: 1                          # a count, or a list
mode: exact                       # exact | sampled
parameters: {lam: 0.5, c: 0.7}
outputs: {kind: categorical, size: 2, contexts: 1}
rewards:
  first:  [1, 0]
  second: [0, 1]
models:
  - name: p
    reward: first
    diet: {real: = 1 - lam, curated: = lam * (1 - c), neighbours_curated: = lam * c}
    curation: {method: luce, candidates: 2}
  - name: q
    reward: second
    diet: {real: 0.5, curated: 0.35, neighbours_curated: 0.15}
    curation: {method: luce, candidates: 2}
network:
  edges: [{from: q, to: p}, {from: p, to: q}]
learning: {regime: retrain, rate: 1.0, sharing: 0.0, corpus: replace}
record: {every: 1, states: false, alignments: false}
sweep:
  grid: {lam: [0.5, 0.6]}
expect:                           # what the literature says, tried by `ecosystem check`
  - {table: models, where: {model: p, lam: 0.5}, round: last, column: alignment, value: 0.4542, tolerance: 0.0001, source: closed form}
  - {table: influence, where: {affected: p, lever: p, lam: 0.5}, column: influence, sign: negative, source: arXiv:2605.29267}
"""  # noqa: E501
"""The example of a whole scenario, as users meet it."""

SMALL: dict[str, Any] = {
    "name": "small",
    "rounds": 3,
    "parameters": {"lam": 0.5},
    "outputs": {"kind": "categorical", "size": 2},
    "rewards": {"first": [1, 0]},
    "models": [
        {
            "name": "p",
            "reward": "first",
            "diet": {"real": "= 1 - lam", "curated": "= lam"},
            "curation": {"candidates": 2},
        },
        {"name": "q", "diet": {"raw": 1}},
    ],
    "network": {"edges": [{"from": "p", "to": "q"}]},
}
"""A small scenario from Python."""
