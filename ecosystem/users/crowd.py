"""The state of the users, and what they ask of the models in a round."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Crowd:
    """All that the users hand from one round to the next.

    Attributes
    ----------
    activity : Tensor
        a, users of each group, ``[worlds, groups]``.
    choice : Tensor
        α, each group's shares of models, ``[worlds, groups, models]``.
    met : Tensor
        The α by which users met what models write now, shaped as `choice`.
    data : Tensor
        What each group brings, ``[worlds, groups, contexts, numbers]``.
    """

    activity: Tensor
    choice: Tensor
    met: Tensor
    data: Tensor


@dataclass(frozen=True)
class Demand:
    """What models are asked in a round, and what they are brought.

    Attributes
    ----------
    weights : Tensor
        v, a model's share of volume per context, ``[worlds, models, contexts]``.
    volume : Tensor, optional
        Prompts by model and context, shaped as `weights`; None without users.
    brought : Tensor, optional
        The users' data by volume, ``[worlds, models, contexts, numbers]``, zeros where nobody asks; None
        where no diet asks for it.
    sent : Tensor, optional
        Prompts by group, model and context, ``[worlds, groups, models, contexts]``.
    data : Tensor, optional
        What each group brings, ``[worlds, groups, contexts, numbers]``.
    heard : Tensor, optional
        How much each voice counts among a model's curators, ``[worlds, groups + 2, models × contexts]``: the
        groups by what they ask, then 1, then 1 where nobody asks. None where users do not curate.
    filtered : Tensor, optional
        What a remedy leaves of what models write, as a source of training data; all of it by default.
    """

    weights: Tensor
    volume: Tensor | None = None
    brought: Tensor | None = None
    sent: Tensor | None = None
    data: Tensor | None = None
    heard: Tensor | None = None
    filtered: Tensor | None = None
