"""The state of the users, and what they ask of the models in a round."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ecosystem.users.prompts import Prompts


@dataclass(frozen=True)
class Crowd:
    """All that the users hand from one round to the next.

    Attributes
    ----------
    activity : Tensor
        a, users of each cohort, ``[worlds, cohorts]``.
    choice : Tensor
        α, each cohort's shares of models, ``[worlds, cohorts, models]``.
    met : Tensor
        The α by which users met what models write now, shaped as `choice`.
    served : Tensor
        How many users met it, shaped as `activity`.
    data : Tensor
        What each cohort brings, ``[worlds, cohorts, contexts, numbers]``.
    """

    activity: Tensor
    choice: Tensor
    met: Tensor
    served: Tensor
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
    prompts : Prompts, optional
        Prompts by cohort, model and context.
    brought : Tensor, optional
        The users' data by volume, ``[worlds, models, contexts, numbers]``, zeros where nobody asks; None
        where no diet asks for it.
    data : Tensor, optional
        What each cohort brings, ``[worlds, cohorts, contexts, numbers]``.
    heard : Tensor, optional
        How much each voice counts among a model's curators, ``[worlds, voices + 2, models × contexts]``: the
        rewards of users by what these ask, then 1, then 1 where nobody asks. None where users do not curate.
    worst : Tensor, optional
        Which groups are served the least quality now, ``[worlds, groups]``; None where nobody asks for it.
    filtered : Tensor, optional
        What a remedy leaves of what models write, as a source of training data; all of it by default.
    """

    weights: Tensor
    volume: Tensor | None = None
    prompts: Prompts | None = None
    brought: Tensor | None = None
    data: Tensor | None = None
    heard: Tensor | None = None
    worst: Tensor | None = None
    filtered: Tensor | None = None
