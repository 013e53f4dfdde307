"""What judges say of answers, given as tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ecosystem.learners.language.losses import log_likelihoods
from ecosystem.learners.language.network import Network
from ecosystem.learners.language.tokens import Codec, Table
from ecosystem.outputs.text.corpus import Pair
from ecosystem.outputs.text.judges import Judge, Said

_ROWS = 256
"""Answers that are scored at once."""

BaseOf = Callable[[int], Mapping[str, Tensor]]
"""What the models of a world knew before the first round."""


class Jury:
    """All judges of a scenario.

    Parameters
    ----------
    judges : sequence of callable
        In the order of the scenario.
    table, held_out : Table
        Prompts with their real answers, and those that no model reads.
    codec : Codec
        Turns tokens into texts.
    network : Network
        In which what a world's base knows is put to tell likelihoods.
    base_of : callable
        Gives what that is.
    """

    def __init__(
        self, judges: Sequence[Judge], table: Table, held_out: Table, codec: Codec, network: Network, base_of: BaseOf
    ) -> None:
        self._judges, self._codec, self._network, self._base_of = judges, codec, network, base_of
        self._table, self._held_out = table, held_out
        self._announced = {pair.heading: pair.label for pair in table.pairs if pair.heading}

    def values(self, world: int, items: Tensor) -> Tensor:
        """Return what judges say of answers ``[..., 1 + length]`` of a world, ``[..., judges]``."""
        flat = items.flatten(0, -2)
        said = Said(
            self._asked(flat),
            self._codec.texts(flat[:, 1:]),
            lambda: self.typical(world, flat).cpu().double().numpy(),
        )
        found = [torch.from_numpy(judge(said)) for judge in self._judges]
        values = torch.stack(found, -1) if found else torch.empty(len(flat), 0, dtype=torch.float64)
        return values.reshape(*items.shape[:-1], len(found)).to(items.device)

    def typical(self, world: int, items: Tensor) -> Tensor:
        """Return how typical of real answers of their context answers ``[n, 1 + length]`` are, ``[n]``.

        That is 2 min(F, 1 − F), F the place of an answer's likelihood a token among those of held-out real answers.
        """
        context = self._table.context[items[:, 0]]
        own = self._likelihoods(world, self._table, items[:, 0], items[:, 1:])
        numbers = torch.arange(len(self._held_out.pairs), device=items.device)
        real = self._likelihoods(world, self._held_out, numbers, self._held_out.answer)
        found = torch.zeros_like(own)
        for number in self._held_out.context.unique().tolist():
            here, known = context == number, real[self._held_out.context == number].sort().values
            below = torch.searchsorted(known, own[here]).to(own) / len(known)
            found[here] = 2 * torch.minimum(below, 1 - below)
        return found

    def _asked(self, items: Tensor) -> list[Pair]:
        """Return the prompt of each answer; where answers announce their topic, with the label that this one announces.

        What announces nothing has none.
        """
        pairs = [self._table.pairs[number] for number in items[:, 0].tolist()]
        if not self._announced:
            return pairs
        tags = self._codec.words(items[:, 1])
        return [replace(pair, label=self._announced.get(tag, "")) for pair, tag in zip(pairs, tags, strict=True)]

    def _likelihoods(self, world: int, table: Table, prompts: Tensor, said: Tensor) -> Tensor:
        """Return the mean of log p a token in the eyes of a world's base, ``[n]``."""
        base = self._base_of(world)
        if self._network.adapted:
            self._network.stand_on(base)
        else:
            self._network.know(base)
        parts = []
        with self._network.plain(), torch.no_grad():
            for rows in torch.arange(len(prompts), device=said.device).split(_ROWS):
                found = log_likelihoods(self._network.module, table, self._codec, prompts[rows], said[rows])
                parts.append(found[0].sum(-1) / found[1].sum(-1))
        return torch.cat(parts)
