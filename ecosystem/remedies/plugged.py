"""A remedy that another package brings: it filters what models write before it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from ecosystem.learners.batch import Batch
from ecosystem.outputs import space_of
from ecosystem.plugins.kinds import Remedy
from ecosystem.plugins.registry import PluginError, told
from ecosystem.users.crowd import Demand
from ecosystem.world.rewards import Rewards


@dataclass(frozen=True)
class Written:
    """What a remedy goes by.

    Attributes
    ----------
    outputs : Tensor
        Probability of each output that models write, ``[worlds, models, contexts, outputs]``.
    real : Tensor
        The same of their real data.
    scores : mapping of str to Tensor
        The scenario's scores by name, ``[worlds, 1, contexts or 1, outputs]`` each.
    volume : Tensor, optional
        How much users ask, ``[worlds, models, contexts]``; None without users.
    """

    outputs: Tensor
    real: Tensor
    scores: Mapping[str, Tensor]
    volume: Tensor | None


class PluggedFilter:
    """The filter of a batch of worlds that have one remedy, with equal settings.

    Parameters
    ----------
    remedy : Remedy
        What filters.
    batch : Batch
        Settings of the worlds.
    """

    finds = False

    def __init__(self, remedy: Remedy, batch: Batch) -> None:
        self._remedy, self._real = remedy, batch.real
        tables = [Rewards(world.scenario.outputs.scores, space_of(world.scenario)) for world in batch.worlds]
        stacked = batch.stack([table.table() for table in tables])  # [worlds, scores, contexts or 1, outputs]
        self._scores = {name: stacked[:, number, None] for number, name in enumerate(tables[0].names)}

    def filter(self, p: Tensor, demand: Demand) -> Tensor:
        """Return what is left of models' outputs for training, as `p`; rounding is divided out."""
        left = self.raw(p, demand)
        return left / left.sum(-1, keepdim=True)

    def raw(self, p: Tensor, demand: Demand) -> Tensor:
        """Return what the plug-in says is left, as `p`.

        Raises
        ------
        PluginError
            It is no array of probabilities like that of what models write.
        """
        left = self._remedy.filter(Written(p, self._real, self._scores, demand.volume))
        if left.shape != p.shape or left.dtype != p.dtype:
            name = self._remedy.plugin_name
            raise PluginError(f"remedy {name}: must return {told(p)} (got {told(left)})")
        return left
