"""A round linearised once, so that its derivative costs little for as many directions as are asked.

With blocks B_i = ∂H_i/∂p_i computed beforehand, a change v of the state changes what is learned by

    dD_i = raw_i v_i + curated_i B_i v_i + Σ_j w_ij T_ij(neighbours_raw_i v_j + neighbours_curated_i B_j v_j)

and the next state by (1 − η) dS + η (dD shared across contexts). In sequential order a model reads
what earlier ones have become, so that their changes of this round stand for v_j (as in the method
of Gauss and Seidel).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecosystem.influence.links import Links, levels
from ecosystem.influence.rounds import Round
from ecosystem.world.blueprint import SOURCES


class Choice:
    """∂H/∂p: a block for each curated row of models × contexts, the identity elsewhere.

    Parameters
    ----------
    rows : Tensor
        The curated rows, ascending, ``[rows]``.
    blocks : Tensor
        ``[rows, numbers, numbers]``
    """

    def __init__(self, rows: Tensor, blocks: Tensor) -> None:
        self._rows, self._blocks = rows, blocks

    def change(self, v: Tensor) -> Tensor:
        """Return B v, ``[models, contexts, numbers, columns]``."""
        return self._through(v, self._blocks)

    def back(self, w: Tensor) -> Tensor:
        """Return Bᵀ w."""
        return self._through(w, self._blocks.transpose(-1, -2))

    def _through(self, v: Tensor, blocks: Tensor) -> Tensor:
        if len(self._rows) == 0:
            return v
        flat = v.flatten(0, 1)
        if len(self._rows) == len(flat):
            return torch.bmm(blocks, flat).reshape(v.shape)
        return flat.index_copy(0, self._rows, torch.bmm(blocks, flat[self._rows])).reshape(v.shape)


@dataclass(frozen=True)
class _Reading:
    """What some models read of others: `raw` as written, `kept` as curators kept it."""

    raw: Links
    kept: Links
    readers: Tensor

    def add(self, total: Tensor, written: Tensor, kept: Tensor) -> None:
        self.raw.add(total, written)
        self.kept.add(total, kept)

    def back(self, data: Tensor, choice: Choice) -> Tensor:
        total = torch.zeros_like(data)
        if self.kept:
            self.kept.add_back(total, data)
            total = choice.back(total)
        self.raw.add_back(total, data)
        return total


class Linearisation:
    """The derivative of the round that leads from one state to another.

    Parameters
    ----------
    round_ : Round
        The round.
    before, after : Tensor
        The two states, ``[models, contexts, numbers]``; the same at a stable point.
    """

    def __init__(self, round_: Round, before: Tensor, after: Tensor) -> None:
        plan, learning = round_.plan, round_.plan.scenario.learning
        self.round, self.before, self.after = round_, before, after
        self.edges, self.models = plan.edges, len(plan.names)
        self.diet = plan.effective_diet
        self.rate, self.sharing = round_.rate, float(learning.sharing)
        self.incremental = learning.regime == "incremental"
        self.sequential = learning.order == "sequential"
        self._weights = round_.weights[:, :, None, None]
        self._choice = Choice(*round_.choice(before))
        self._settling = round_.settling(after)
        earlier = self.reads_after(self.edges.source, self.edges.target)
        self._present = self._reading(~earlier, np.arange(self.models))
        turns = levels(self.edges, self.models) if self.sequential else np.zeros(self.models, dtype=np.int64)
        self._turns = [
            self._reading(earlier & (turns == turn)[self.edges.target], np.flatnonzero(turns == turn))
            for turn in range(1, int(turns.max()) + 1)
        ]
        moved = self._turns and after is not before
        self._choice_after = Choice(*round_.choice(after)) if moved else self._choice

    def advance(self, v: Tensor, push: Tensor | None = None, fresh: float = 1.0) -> tuple[Tensor, Tensor]:
        """Return the change of the next state and of what is learned.

        Parameters
        ----------
        v : Tensor
            Change of the present state, ``[models, contexts, numbers, columns]``.
        push : Tensor, optional
            What else changes the mixtures that become the next state.
        fresh : float
            What part of the corpus this round's data are.

        Returns
        -------
        state, data : Tensor
            Shaped as `v`; of what is learned, only what follows from `v`.
        """
        kept = self._kept(v, self._choice)
        data = self._own(v, kept)
        self._present.add(data, v, kept)
        data = self.share(data)
        state = data * (self.rate * fresh)
        if self.incremental and self.rate < 1:
            state.add_(v, alpha=1 - self.rate)
        if push is not None:
            state.add_(push)
        state = self._settle(state)
        for turn in self._turns:
            more = torch.zeros_like(v)
            turn.add(more, state, self._kept(state, self._choice_after))
            more = self.share(more[turn.readers], turn.readers)
            data.index_add_(0, turn.readers, more)
            state.index_add_(0, turn.readers, self._settle(more * (self.rate * fresh), turn.readers))
        return state, data

    def adjoint(self, w: Tensor, push: Tensor | None = None) -> Tensor:
        """Return the transposed round of `w`, plus `push`, both ``[models, contexts, numbers, columns]``.

        Its fixed point is (I − Aᵀ)⁻¹ push, A being the synchronous derivative; in sequential order
        models take their turns in reverse, which gives the same fixed point.
        """
        data = self.learned_back(w)
        total = self._present.back(data, self._choice)
        total += self._own_back(data)
        if self.incremental and self.rate < 1:
            total += (1 - self.rate) * self.mixed_back(w)
        if push is not None:
            total += push
        for turn in reversed(self._turns):
            data = torch.zeros_like(w)
            data[turn.readers] = self.learned_back(total)[turn.readers]
            total = total + turn.back(data, self._choice)
        return self.round.frame.tangent(total)

    def share(self, data: Tensor, rows: Tensor | None = None) -> Tensor:
        """D̃[c] = (1 − τ) D[c] + τ Σ_c' v[c'] D[c'], of some models (all by default)."""
        if self.sharing == 0:
            return data
        mean = ((self._weights if rows is None else self._weights[rows]) * data).sum(1, keepdim=True)
        return data.mul(1 - self.sharing).add_(mean, alpha=self.sharing)

    def learned_back(self, w: Tensor) -> Tensor:
        """Return the transpose of the step from D, what is read, to states."""
        mixed = self.mixed_back(w) * self.rate
        if self.sharing == 0:
            return mixed
        return (1 - self.sharing) * mixed + self.sharing * self._weights * mixed.sum(1, keepdim=True)

    def mixed_back(self, w: Tensor) -> Tensor:
        """Return the transpose of the step from mixtures to states."""
        if self._settling is None:
            return w
        return torch.bmm(self._settling.transpose(-1, -2), w.flatten(0, 1)).reshape(w.shape)

    @cached_property
    def sources(self) -> dict[str, Tensor]:
        """What each source of the diet holds for each reader, ``[models, contexts, numbers]``."""
        kept_before, kept_after = self.kept
        return {
            "real": self.round.real,
            "raw": self.before,
            "curated": kept_before,
            "neighbours_raw": self._read(self.before, self.after),
            "neighbours_curated": self._read(kept_before, kept_after),
        }

    @cached_property
    def kept(self) -> tuple[Tensor, Tensor]:
        """What curators keep of the state that is read, and of the one that earlier models reach."""
        before = self.round.kept(self.before)
        return before, before if self.after is self.before else self.round.kept(self.after)

    def read_kept(self, change: Tensor, after: Tensor) -> Tensor:
        """Return what changes of what is kept do to what is read, all ``[models, contexts, numbers, columns]``.

        `after` is the change for readers of what earlier models have become.
        """
        total = change * self._share_of("curated")
        self._present.kept.add(total, change)
        for turn in self._turns:
            turn.kept.add(total, after)
        return total

    def read_kept_back(self, data: Tensor) -> Tensor:
        """Return the transpose of `read_kept` where both changes are one."""
        total = data * self._share_of("curated")
        for reading in (self._present, *self._turns):
            reading.kept.add_back(total, data)
        return total

    def reads_after(self, source: NDArray[np.int64], target: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return across which edges a reader reads what the source has become."""
        return (source < target) & self.sequential

    def _read(self, before: Tensor, after: Tensor) -> Tensor:
        """Return Σ_j w_ij T_ij(·_j), of what earlier models have become and of what others are."""
        earlier = self.reads_after(self.edges.source, self.edges.target)
        found = torch.zeros_like(before)[..., None]
        for chosen, values in ((~earlier, before), (earlier, after)):
            Links(self.edges, chosen, np.ones(self.models)).add(found, values[..., None])
        return found[..., 0]

    def _reading(self, chosen: NDArray[np.bool_], readers: NDArray[np.int64]) -> _Reading:
        raw, kept = (self.diet[:, SOURCES.index(source)] for source in ("neighbours_raw", "neighbours_curated"))
        return _Reading(Links(self.edges, chosen, raw), Links(self.edges, chosen, kept), torch.from_numpy(readers))

    @cached_property
    def _reads_kept(self) -> bool:
        curated = [SOURCES.index("curated"), SOURCES.index("neighbours_curated")]
        return bool((self.diet[:, curated] > 0).any())

    def _kept(self, v: Tensor, choice: Choice) -> Tensor:
        return choice.change(v) if self._reads_kept else v

    def _share_of(self, source: str) -> Tensor:
        return torch.from_numpy(self.diet[:, SOURCES.index(source)].copy())[:, None, None, None]

    def _own(self, v: Tensor, kept: Tensor) -> Tensor:
        raw, curated = self._share_of("raw"), self._share_of("curated")
        if not bool((raw > 0).any()):
            return kept * curated
        total = v * raw
        return total.addcmul_(kept, curated) if bool((curated > 0).any()) else total

    def _own_back(self, data: Tensor) -> Tensor:
        total = data * self._share_of("raw")
        if bool((self._share_of("curated") > 0).any()):
            total += self._choice.back(data * self._share_of("curated"))
        return total

    def _settle(self, mixed: Tensor, rows: Tensor | None = None) -> Tensor:
        """Return what becomes of models whose mixtures change."""
        if self._settling is None:
            return mixed
        contexts, numbers = self.before.shape[1:]
        blocks = self._settling.reshape(self.models, contexts, numbers, numbers)
        return torch.matmul(blocks if rows is None else blocks[rows], mixed)
