"""The tables: their columns and types. A part may have more columns, never fewer."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from ecosystem.errors import EcosystemError, did_you_mean, shorten

_KEYS = [("run", pa.string()), ("round", pa.int64())]


def _numbers(*names: str) -> list[tuple[str, pa.DataType]]:
    return [(name, pa.float64()) for name in names]


TABLES: dict[str, pa.Schema] = {
    "models": pa.schema(
        [
            *_KEYS,
            ("model", pa.string()),
            *_numbers("alignment", "alignment_served", "reward_variance", "entropy"),
            *_numbers("divergence_real", "divergence_initial", "distance_real", "displacement", "volume"),
            *_numbers("distance"),
        ]
    ),
    "alignments": pa.schema([*_KEYS, ("model", pa.string()), ("reward", pa.string()), ("value", pa.float64())]),
    "groups": pa.schema([*_KEYS, ("group", pa.string()), *_numbers("active", "share", "satisfaction")]),
    "rounds": pa.schema(
        [
            *_KEYS,
            *_numbers("alignment", "preference_bias", "disparate_bias"),
            *_numbers("representation_gap", "systemic_failure"),
        ]
    ),
    "network": pa.schema(
        [
            ("network", pa.string()),
            ("source", pa.string()),
            ("target", pa.string()),
            ("weight", pa.float64()),
            ("since", pa.int64()),
            ("until", pa.int64()),
        ]
    ),
    "states": pa.schema(
        [
            *_KEYS,
            ("model", pa.string()),
            ("context", pa.int64()),
            ("output", pa.int64()),
            ("probability", pa.float64()),
        ]
    ),
    "samples": pa.schema(
        [
            *_KEYS,
            ("model", pa.string()),
            ("context", pa.int64()),
            ("sample", pa.int64()),
            ("text", pa.string()),
            ("image", pa.binary()),
        ]
    ),
}
"""Every table but `runs`, whose columns depend on the sweep."""

PART_RUNS: pa.Schema = pa.schema(
    [
        ("run", pa.string()),
        ("seed", pa.int64()),
        ("network", pa.string()),
        ("status", pa.string()),
        ("seconds", pa.float64()),
        ("error", pa.string()),
        ("exception", pa.string()),
        ("traceback", pa.string()),
        ("settings", pa.string()),
        ("finished", pa.string()),
        ("recording", pa.string()),
        ("in_order", pa.bool_()),
    ]
)
"""What a part says of its runs.

`error` is a line; where the program is to blame, `exception` and `traceback` say more. `settings`, of failed
runs alone, are all settings as JSON. `finished` is when, in UTC. `recording` is a hash of the `record` block.
`in_order` says of the whole part that the rows of each table stand run by run, in the order of these.
"""

RUNS_FIRST = ("run", "point", "seed")
RUNS_LAST = ("network", "status", "seconds", "error")
"""The columns of `runs` before and after those of the swept parameters."""


def swept_column(key: str, taken: Iterable[str] = (*RUNS_FIRST, *RUNS_LAST)) -> str:
    """Return the column that holds a swept key: its name, unless a table's own column has it.

    >>> swept_column("lam"), swept_column("seed")
    ('lam', 'parameters.seed')
    """
    return f"parameters.{key}" if key in set(taken) else key


def check_table(name: str) -> None:
    """Raise if no table has this name.

    Raises
    ------
    EcosystemError
        With the names that exist.
    """
    known = ["runs", *TABLES]
    if name not in known:
        raise EcosystemError(f"there is no table {shorten(name)}{did_you_mean(name, known)}")
