"""Scenarios that have nearly every block, as what is not written cannot be spoilt."""

CATEGORICAL = """\
name: everything
description: Nearly every block of a scenario with categorical outputs.
source: nowhere
rounds: 4
seeds: [3, 1]
mode: sampled
parameters: {lam: 0.5, share: = lam / 2, steps: 2}
outputs:
  kind: categorical
  size: 3
  contexts: 2
  scores: {lean: [1, 0, 0], quality: [0, 0.5, 1]}
real: [[0.2, 0.3, 0.5], [0.5, 0.3, 0.2]]
rewards:
  first: [1, 0, 0]
  second: [[0, 1, 0], [0, 0, 1]]
models:
  - name: p
    reward: first
    initial: {draw: dirichlet, concentration: 2.0}
    diet: {real: = 1 - lam, curated: = share, neighbours_curated: = share}
    curation: {method: noisy, candidates: 3, noise: 0.1, temperature: 0.5}
  - name: q
    reward: {draw: normal, scale: 0.5}
    diet: {real: 0.4, raw: 0.2, users: 0.4}
    curation: {method: pluralistic, candidates: inf, rewards: {first: 0.6, second: 0.4}}
  - name: r
    count: 2
    diet: {raw: 0.5, neighbours_raw: 0.5}
network:
  edges:
    - {from: p, to: q, weight: 2}
    - {from: q, to: p, channel: {matrix: [[0.8, 0.1, 0.1], [0, 1, 0], [0, 0, 1]]}}
    - {from: p, to: r0}
users:
  groups:
    - {name: A, size: 600, contexts: [0, 1], reward: first}
    - {name: B, size: 400, contexts: {0: 0.3, 1: 0.7}, reward: second, models: {p: 2, q: 1}}
  choice: {method: softmax, temperature: 0.2}
  feedback: {method: retention, scale: 1.0, arrivals: 30}
  curate: true
remedy: {method: rejection_sampling, candidates: {A: 2, B: 3}, quality: 0.7, similarity: 0.3, accuracy: 0.9}
learning: {regime: incremental, rate: 0.5, sharing: 0.2, corpus: {window: 2}, examples: 60, smoothing: 0.01}
events:
  - {round: 1, set: {lam: 0.6, learning.rate: 0.4}}
  - {round: 2, cut: {from: p, to: q}}
  - {round: 3, add: {from: r1, to: q, weight: 3}}
record: {every: 2, states: true, alignments: true}
sweep:
  grid: {learning.regime: [incremental, retrain]}
  sobol: {samples: 2, seed: 1, ranges: {models.p.curation.temperature: {low: 0.1, high: 1, scale: log}}}
  table: points.csv
expect:
  - {table: models, where: {model: p, lam: 0.1}, round: last, column: alignment, at_most: 1, source: none}
"""

GAUSSIAN = """\
name: gaussians
rounds: {max: 6, until: stable, tolerance: 1.0e-9}
parameters: {lam: 0.4}
outputs: {kind: gaussian, dimension: 2, contexts: 1}
real: {mean: [0, 0.5], covariance: [[1, 0.2], [0.2, 2]]}
rewards:
  right: {linear: [1, 0]}
  bowl: {curvature: 0.5, centre: [1, 1]}
models:
  - {name: p, reward: bowl, diet: {real: 0.3, neighbours_raw: = 0.7 - lam, neighbours_curated: = lam}}
  - name: q
    reward: right
    initial: {mean: [0.1, 0], covariance: [1, 2]}
    diet: {real: 0.5, curated: 0.5}
    curation: {method: luce, candidates: inf, reward: right, temperature: 2}
network:
  edges: [{from: q, to: p, channel: {matrix: [[0.3, 0.5], [-0.5, 0.3]], offset: [0, 0.1]}}]
users:
  groups: [{name: all, size: 100, contexts: [0], reward: bowl, data: {mean: [0, 0]}}]
  feedback: [{method: static}]
learning: {covariance: learned, order: sequential}
sweep: {latin_hypercube: {samples: 3, ranges: {lam: [0, 0.5]}}}
"""

GENERATED = """\
name: generated
rounds: 3
outputs: {kind: categorical, size: 2}
real: {draw: dirichlet}
rewards: {likes_a: [1, 0]}
models:
  - {name: m, count: 12, reward: likes_a, diet: {real: 0.2, raw: 0.3, neighbours_raw: 0.5}}
curated: {fraction: 0.25, by: degree, order: highest, diet: {real: 0.5, curated: 0.5}, curation: {candidates: 4}}
network: {generator: barabasi_albert, m: 2, seed: 4}
sweep: {saltelli: {samples: 2, ranges: {learning.rate: [0.1, 1], curated.fraction: [0.1, 0.9]}}}
"""

FROM_FILE = """\
name: from-file
rounds: 2
outputs: {kind: categorical, size: 2}
models:
  - {name: p, diet: {real: 1}}
  - {name: q, diet: {real: 0.5, neighbours_raw: 0.5}}
network: {file: edges.csv}
sweep: {morris: {trajectories: 2, ranges: {learning.rate: [0.1, 1], learning.sharing: [0, 1]}}}
"""

WHOLE = (CATEGORICAL, GAUSSIAN, GENERATED, FROM_FILE)
