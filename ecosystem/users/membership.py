"""Which cohorts make up which group: sums and means over the users of a group."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class Membership:
    """The cohorts of each group.

    Parameters
    ----------
    group : ndarray
        Which group each cohort belongs to, ascending, ``[cohorts]``.
    groups : int
        How many groups there are; a group may be without a cohort.
    size : Tensor
        Users of each cohort at the start, ``[worlds, cohorts]``.

    Attributes
    ----------
    at_start : Tensor
        Each cohort's part of its group at the start, ``[worlds, cohorts]``.
    """

    def __init__(self, group: NDArray[np.int64], groups: int, size: Tensor) -> None:
        self.group = torch.from_numpy(group).to(size.device)
        self.groups = groups
        self.single = len(group) == groups and bool((group == np.arange(groups)).all())
        self.at_start = self.within(size)

    def total(self, values: Tensor) -> Tensor:
        """Return sums over the cohorts of each group, ``[worlds, groups, ...]``, of ``[worlds, cohorts, ...]``."""
        if self.single:
            return values
        return values.new_zeros((len(values), self.groups, *values.shape[2:])).index_add_(1, self.group, values)

    def spread(self, values: Tensor) -> Tensor:
        """Return each cohort's value of its group, ``[worlds, cohorts, ...]``."""
        return values if self.single else values.index_select(1, self.group)

    def is_of(self, group: int) -> Tensor:
        """Return which cohorts belong to a group, ``[cohorts]``."""
        return self.group == group

    def within(self, users: Tensor) -> Tensor:
        """Return each cohort's part of its group, ``[worlds, cohorts]``; even parts of a group without users."""
        if self.single:
            return torch.ones_like(users)
        whole = self.spread(self.total(users))
        even = 1.0 / self.spread(self.total(torch.ones_like(users)))
        return torch.where(whole > 0, users / torch.where(whole > 0, whole, 1.0), even)

    def mean(self, values: Tensor, users: Tensor) -> Tensor:
        """Return means over the users of each group, ``[worlds, groups, ...]``."""
        if self.single:
            return values
        weight = self.within(users)
        return self.total(values * weight.reshape(*weight.shape, *[1] * (values.dim() - 2)))
