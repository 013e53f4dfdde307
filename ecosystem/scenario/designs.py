"""From a design to its points. SciPy and SALib are imported when they are needed: they take their time."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import singledispatch
from typing import TYPE_CHECKING, Any

from ecosystem.errors import fail
from ecosystem.extras import install
from ecosystem.scenario.fields.designs import Design, Interval, LatinHypercube, Morris, Saltelli, Sobol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Unit = NDArray[np.float64]

_DIGITS = 12
"""What a value is rounded to, so that another machine's logarithm gives the same runs."""


def rows(design: Design) -> list[tuple[Any, ...]]:
    """Return the points of a design, each with a value for every range, in order.

    Raises
    ------
    InputError
        The design needs a library that is not installed.
    """
    columns = [
        [value(unit, interval) for unit in column.tolist()]
        for column, interval in zip(_unit(design).T, design.intervals.values(), strict=True)
    ]
    return list(zip(*columns, strict=True))


def value(unit: float, interval: Interval) -> float | int:
    """Return the value that stands at a place from 0 to 1 of an interval.

    A whole number has the part of the interval from itself to the next one.

    >>> value(0.5, Interval(1, 100, log=True, whole=False)), value(0.5, Interval(1, 3, log=False, whole=True))
    (10.0, 2)
    """
    low, high = interval.low, interval.high + interval.whole
    found = (
        math.exp(math.log(low) + unit * (math.log(high) - math.log(low))) if interval.log else low + unit * (high - low)
    )
    if interval.whole:
        return int(min(max(math.floor(found), low), interval.high))
    return min(max(float(f"{found:.{_DIGITS}g}"), low), high)


@singledispatch
def _unit(design: Design) -> Unit:
    """Return the points in the unit cube, ``[points, ranges]``."""
    raise TypeError(f"{type(design).__name__} has no points")


@_unit.register(LatinHypercube)
def _latin_hypercube(design: LatinHypercube) -> Unit:
    from scipy.stats import qmc

    return qmc.LatinHypercube(len(design.ranges), rng=_generator(design)).random(design.samples)


@_unit.register(Sobol)
def _sobol(design: Sobol) -> Unit:
    return _balanced(design, design.samples, len(design.ranges))


@_unit.register(Saltelli)
def _saltelli(design: Saltelli) -> Unit:
    import numpy as np

    ranges = len(design.ranges)
    # A and B are the halves of points in twice as many dimensions, so that they are independent.
    a, b = np.split(_balanced(design, design.samples, 2 * ranges), 2, axis=1)
    mixed = [np.where(np.arange(ranges) == index, b, a) for index in range(ranges)]
    return np.concatenate([a, b, *mixed])


@_unit.register(Morris)
def _morris(design: Morris) -> Unit:
    sample = _salib()
    names = [str(number) for number in range(len(design.ranges))]  # SALib would group equal names
    problem = {"num_vars": len(names), "names": names, "bounds": [[0, 1]] * len(names)}
    return sample(problem, design.trajectories, num_levels=design.levels, seed=_generator(design))


def _balanced(design: Design, samples: int, dimensions: int) -> Unit:
    from scipy.stats import qmc

    return qmc.Sobol(dimensions, scramble=True, rng=_generator(design)).random_base2(samples.bit_length() - 1)


def _generator(design: Design) -> np.random.Generator:
    import numpy as np

    return np.random.default_rng(design.seed)


def _salib() -> Callable[..., Unit]:
    try:
        from SALib.sample.morris import sample
    except ImportError:
        raise fail(f"Morris trajectories need SALib: {install('sensitivity')}", ("sweep", "morris")) from None
    return sample
