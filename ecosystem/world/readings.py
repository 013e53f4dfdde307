"""What can be read off worlds as they are at one time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor

from ecosystem.learners.batch import Batch
from ecosystem.learners.learner import Learner, State
from ecosystem.measures.groups import group_values
from ecosystem.threads import each, one_thread
from ecosystem.users.crowd import Crowd, Demand
from ecosystem.users.population import Population


class Readings:
    """Quantities of worlds in one state; each is computed when it is first asked for, and once.

    Parameters
    ----------
    batch : Batch
        The worlds' settings.
    learner : Learner
        What knows the measures of their kind of outputs.
    state : State
        What models write.
    population, crowd : optional
        The users, and where they are; None without any.
    """

    def __init__(
        self, batch: Batch, learner: Learner, state: State, population: Population | None, crowd: Crowd | None
    ) -> None:
        self._batch, self._learner, self._state = batch, learner, state
        self._population, self._crowd = population, crowd
        self._measured: dict[str, Tensor] = {}

    @cached_property
    def demand(self) -> Demand:
        """What users ask of the models; without users all contexts count alike."""
        if self._population is None or self._crowd is None:
            return Demand(self._batch.context_weights)
        return self._population.query(self._crowd, self._state.round)

    @cached_property
    def group_values(self) -> dict[str, Tensor]:
        """The columns of the table `groups`, ``[worlds, groups]`` each; nothing without users."""
        if self._population is None or self._crowd is None:
            return {}
        return group_values(self._population, self._crowd, self._state.p)

    def measures(self, names: Sequence[str], models: Tensor | None = None) -> dict[str, Tensor]:
        """Return quantities of every model, ``[worlds, models]`` each, or of some."""
        new = [name for name in names if name not in self._measured]
        if models is None:
            self._measured |= self._of_all(new) if new else {}
            return {name: self._measured[name] for name in names}
        found = self._of(new, models, self.demand) if new else {}
        return {name: found[name] if name in found else self._measured[name][:, models] for name in names}

    def _of_all(self, names: Sequence[str]) -> dict[str, Tensor]:
        """Return quantities of every model: a cacheful at a time, on all cores."""
        size, models = self._learner.together, self._state.p.shape[1]
        demand = self.demand  # asked for once, before threads need it
        if models <= size:
            return self._of(names, slice(None), demand)
        parts = [slice(start, start + size) for start in range(0, models, size)]
        with one_thread():
            found = each(lambda part: self._of(names, part, demand), parts)
        return {name: torch.cat([part[name] for part in found], dim=1) for name in names}

    def _of(self, names: Sequence[str], models: Tensor | slice, demand: Demand) -> dict[str, Tensor]:
        p, batch = self._state.p[:, models], self._batch.of(models)
        weights = demand.weights[:, models] if "alignment_served" in names else None
        known = [name for name in names if name in self._learner.measures]
        found = self._learner.measured(p, batch, known, models, weights)
        if "volume" in names:
            volume = demand.volume
            found["volume"] = p.new_full(p.shape[:2], torch.nan) if volume is None else volume[:, models].sum(-1)
        return found

    def moved(self, state: State, crowd: Crowd | None) -> Tensor:
        """Return the most that anything has moved since an earlier state, ``[worlds]``.

        That is what models write, and of users their choices, their data and their numbers, as parts of all users.
        """
        changes = [self._state.p - state.p]
        if self._crowd is not None and crowd is not None:
            users = self._crowd.activity.sum(-1, keepdim=True)
            changes += [
                (self._crowd.activity - crowd.activity) / torch.where(users > 0, users, 1.0),
                self._crowd.choice - crowd.choice,
                self._crowd.data - crowd.data,
            ]
        return torch.stack([change.abs().flatten(1).amax(-1) for change in changes]).amax(0)

    @property
    def finite(self) -> Tensor:
        """Which worlds have a finite state, that of their users included, ``[worlds]``."""
        return torch.stack([torch.isfinite(part.flatten(1).sum(-1)) for part in self._parts().values()]).all(0)

    def not_finite(self, world: int) -> str:
        """Say what of a world's state is not finite: of what, and whose."""
        for what, part in self._parts().items():
            broken = (~torch.isfinite(part[world])).reshape(part.shape[1], -1).any(-1).nonzero().flatten().tolist()
            if broken:
                more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
                return f"{what} {self._owners(world, part)[broken[0]]}{more}"
        return "the state"

    def _owners(self, world: int, part: Tensor) -> Sequence[str]:
        """Return the names of those whose state a part is."""
        if self._population is None or part is self._state.p:
            return self._batch.worlds[world].names
        groups = self._population.groups
        return groups.names if part.shape[1] == len(groups.names) else groups.user_names

    def _parts(self) -> dict[str, Tensor]:
        """Return the parts of the state by what they are of: ``[worlds, models or cohorts, ...]`` each."""
        if self._crowd is None:
            return {"the outputs of": self._state.p}
        return {
            "the outputs of": self._state.p,
            "the number of users of": self._crowd.activity,
            "the choices of": self._crowd.choice,
            "the data of": self._crowd.data,
        }
