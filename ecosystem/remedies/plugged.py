"""A remedy that another package brings: it filters what models write before it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ecosystem.curators.plugged import fallen_on
from ecosystem.learners.batch import Batch
from ecosystem.outputs import space_of
from ecosystem.plugins.kinds import Remedy
from ecosystem.plugins.registry import PluginError, told
from ecosystem.remedies.drawn_rejection import lot_uniforms
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


@dataclass(frozen=True)
class Drawn:
    """What a remedy goes by where outputs are drawn; a row is a choice among candidates.

    Attributes
    ----------
    scores : mapping of str to Tensor
        The scenario's scores of each candidate by name, ``[choices, candidates]`` each.
    similarity : Tensor, optional
        How typical of real data each candidate is, from 0 to 1, shaped alike; None where the remedy does not ask.
    """

    scores: Mapping[str, Tensor]
    similarity: Tensor | None


class PluggedDrawnFilter:
    """The filter of a batch of worlds whose outputs are drawn, with one remedy of equal settings.

    Parameters
    ----------
    remedy : Remedy
        What filters.
    batch : Batch
        Settings of the worlds.

    Attributes
    ----------
    candidates : int
        How many outputs each one that is kept is chosen from.
    similar : bool
        Whether it asks how typical outputs are.
    """

    finds = False

    def __init__(self, remedy: Remedy, batch: Batch) -> None:
        self._remedy, self._batch = remedy, batch
        self.candidates = int(remedy.model_dump()["candidates"])  # a field that those with `chances` have
        self.similar = remedy.similar
        scenario = batch.worlds[0].scenario
        self._scores = {name: len(scenario.rewards) + number for number, name in enumerate(scenario.outputs.scores)}

    def filter(self, judged: Tensor, similarity: Tensor | None, demand: Demand, round_: int, kept: int) -> Tensor:
        """Return which candidates are left; see `DrawnRejection.filter`."""
        del demand
        lots = judged.shape[:4]
        scores = {name: judged[..., number].reshape(-1, self.candidates) for name, number in self._scores.items()}
        typical = None if similarity is None else similarity.to(judged).reshape(-1, self.candidates)
        likely = self.chances(Drawn(scores, typical), lots.numel() * kept)
        u = lot_uniforms(self._batch, "remedy.choice", round_, lots, kept)
        first = torch.arange(kept, device=judged.device) * self.candidates
        return first + fallen_on(likely, u.flatten()).reshape(u.shape)

    def chances(self, drawn: Drawn, choices: int) -> Tensor:
        """Return how likely the plug-in leaves each candidate, ``[choices, candidates]``.

        Raises
        ------
        PluginError
            It gives no such array, of the precision of the scenario.
        """
        found = self._remedy.chances(drawn)
        wanted = torch.empty((choices, self.candidates), dtype=self._batch.dtype, device="meta")
        if found.shape != wanted.shape or found.dtype != wanted.dtype:
            name = self._remedy.plugin_name
            raise PluginError(f"remedy {name}: chances must be {told(wanted)} (got {told(found)})")
        return found


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
