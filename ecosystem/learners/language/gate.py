"""A gate before the first round: a model that has not learned its task is no subject for an experiment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ecosystem.errors import EcosystemError, did_you_mean
from ecosystem.scenario.fields.language import Gate


def closed(
    gates: Mapping[str, Gate], written: NDArray[np.float64], real: NDArray[np.float64], scores: Sequence[str]
) -> None:
    """Raise where a gate is closed.

    Parameters
    ----------
    gates : mapping of str to Gate
        What must hold, by score.
    written, real : ndarray
        Mean scores of what the model answers and of real answers, ``[contexts, scores]``.
    scores : sequence of str
        Their names.

    Raises
    ------
    EcosystemError
        With the numbers; or a gate names no score.
    """
    for name, gate in gates.items():
        if name not in scores:
            raise EcosystemError(f"learning.language.gate: there is no score {name!r}{did_you_mean(name, scores)}")
        said, true = written[:, list(scores).index(name)], real[:, list(scores).index(name)]
        for context, (one, other) in enumerate(zip(said, true, strict=True)):
            where = f"the model has not learned its task before the first round: in context {context} {name} of its"
            if gate.within is not None and not abs(one - other) <= gate.within:
                raise EcosystemError(
                    f"{where} answers is {one:.3f}, of real ones {other:.3f}; they may differ by {gate.within:g} "
                    f"(learning.language.gate.{name}.within); train the base longer"
                )
            if gate.least is not None and not one >= gate.least * other:
                raise EcosystemError(
                    f"{where} answers is {one:.3f}, of real ones {other:.3f}; at least {gate.least:g} of that is due "
                    f"(learning.language.gate.{name}.least); train the base longer"
                )
