"""A round linearised once, so that its derivative costs little for as many directions as are asked.

With blocks B_i = ∂H_i/∂p_i computed beforehand, a change v of the state changes what is learned by

    dD_i = raw_i v_i + curated_i B_i v_i + Σ_j w_ij T_ij(neighbours_raw_i v_j + neighbours_curated_i B_j v_j)

and the next state by (1 − η) dS + η (dD shared across contexts). In sequential order a model reads
what earlier ones have become, so that their changes of this round stand for v_j (as in the method
of Gauss and Seidel).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecosystem.influence.links import Links, levels
from ecosystem.influence.rounds import Round
from ecosystem.world.blueprint import SOURCES


@dataclass(frozen=True)
class Choice:
    """∂H/∂p: a block for each curated row, the identity elsewhere."""

    rows: Tensor
    blocks: Tensor

    def change(self, v: Tensor) -> Tensor:
        """Return B v, ``[models, contexts, numbers, columns]``."""
        return self._through(v, self.blocks)

    def back(self, w: Tensor) -> Tensor:
        """Return Bᵀ w."""
        return self._through(w, self.blocks.transpose(-1, -2))

    def _through(self, v: Tensor, blocks: Tensor) -> Tensor:
        if len(self.rows) == 0:
            return v
        flat = v.reshape(-1, *v.shape[2:])
        return flat.index_copy(0, self.rows, torch.bmm(blocks, flat[self.rows])).reshape(v.shape)


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
        self.diet = torch.from_numpy(plan.effective_diet)
        self.rate, self.sharing = round_.rate, float(learning.sharing)
        self.incremental = learning.regime == "incremental"
        self.weights = round_.weights[:, :, None, None]
        self.choice = Choice(*round_.choice(before))
        self._settling = round_.settling(after)
        sequential = learning.order == "sequential"
        earlier = (self.edges.source < self.edges.target) & sequential
        self.present = Links(self.edges, ~earlier)
        turns = levels(self.edges, self.models) if sequential else np.zeros(self.models, dtype=np.int64)
        self._turns = [
            (
                torch.from_numpy(np.flatnonzero(turns == turn)),
                Links(self.edges, earlier & (turns == turn)[self.edges.target]),
            )
            for turn in range(1, int(turns.max()) + 1)
        ]
        self.choice_after = Choice(*round_.choice(after)) if self._turns and after is not before else self.choice

    def advance(self, v: Tensor, push: Tensor | None = None, fresh: float = 1.0) -> tuple[Tensor, Tensor]:
        """Return the change of the next state and of what is learned.

        Parameters
        ----------
        v : Tensor
            Change of the present state, ``[models, contexts, numbers, columns]``.
        push : Tensor, optional
            What else changes the next state, beside this round's sources.
        fresh : float
            What part of the corpus this round's data are.

        Returns
        -------
        state, data : Tensor
            Shaped as `v`; of what is learned, only what follows from `v`.
        """
        kept = self.choice.change(v) if self._reads_kept else v
        data = self._own(v, kept)
        self._read(self.present, data, v, kept)
        data = self.share(data)
        state = self._learn(v, data, push, fresh)
        if self._turns:
            kept = self.choice_after.change(state) if self._reads_kept else state
        for rows, links in self._turns:
            more = torch.zeros_like(v)
            self._read(links, more, state, kept)
            more = self.share(more[rows], rows)
            data.index_add_(0, rows, more)
            state.index_add_(0, rows, self._settle(more * (self.rate * fresh), rows))
            kept = self.choice_after.change(state) if self._reads_kept else state
        return state, data

    def adjoint(self, w: Tensor, push: Tensor | None = None) -> Tensor:
        """Return the transposed round of `w`, plus `push`, both ``[models, contexts, numbers, columns]``.

        Its fixed point is (I − Aᵀ)⁻¹ push, A being the synchronous derivative; in sequential order
        models take their turns in reverse, which gives the same fixed point.
        """
        data = self.learned_back(w)
        total = self._back(self.present, data)
        total += self._own_back(data)
        if self.incremental:
            total += (1 - self.rate) * self.mixed_back(w)
        if push is not None:
            total += push
        for rows, links in reversed(self._turns):
            data = torch.zeros_like(w)
            data[rows] = self.learned_back(total)[rows]
            total = total + self._back(links, data)
        return self.round.frame.tangent(total)

    def share(self, data: Tensor, rows: Tensor | None = None) -> Tensor:
        """D̃[c] = (1 − τ) D[c] + τ Σ_c' v[c'] D[c'], of some models (all by default)."""
        if self.sharing == 0:
            return data
        mean = ((self.weights if rows is None else self.weights[rows]) * data).sum(1, keepdim=True)
        return data.mul(1 - self.sharing).add_(mean, alpha=self.sharing)

    def share_back(self, data: Tensor) -> Tensor:
        """Return the transpose of `share`."""
        if self.sharing == 0:
            return data
        return (1 - self.sharing) * data + self.sharing * self.weights * data.sum(1, keepdim=True)

    def sources(self) -> dict[str, Tensor]:
        """Return what each source of the diet holds for each reader, ``[models, contexts, numbers]``."""
        kept_before = self.round.kept(self.before)
        kept_after = self.round.kept(self.after) if self._turns else kept_before
        return {
            "real": self.round.real,
            "raw": self.before,
            "curated": kept_before,
            "neighbours_raw": self.read(self.before, self.after),
            "neighbours_curated": self.read(kept_before, kept_after),
        }

    def read(self, before: Tensor, after: Tensor) -> Tensor:
        """Return Σ_j w_ij T_ij(·_j), of what earlier models have become and of what others are."""
        every = torch.ones(self.models, dtype=before.dtype)
        found = torch.zeros_like(before)[..., None]
        self.present.add(found, before[..., None], every)
        for _, links in self._turns:
            links.add(found, after[..., None], every)
        return found[..., 0]

    def reads_after(self, source: NDArray[np.int64], target: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return across which edges a reader reads what the source has become."""
        return (source < target) & bool(self._turns)

    def read_kept(self, kept: Tensor, after: Tensor) -> Tensor:
        """Return what changes of what is kept do to what is read, all ``[models, contexts, numbers, columns]``.

        `after` is the change for readers of what earlier models have become.
        """
        total = kept * self._share("curated")[:, None, None, None]
        self.present.add(total, kept, self._share("neighbours_curated"))
        for _, links in self._turns:
            links.add(total, after, self._share("neighbours_curated"))
        return total

    def read_kept_back(self, data: Tensor) -> Tensor:
        """Return the transpose of `read_kept` where both changes are one."""
        total = data * self._share("curated")[:, None, None, None]
        for links in (self.present, *(links for _, links in self._turns)):
            links.add_back(total, data, self._share("neighbours_curated"))
        return total

    def _learn(self, v: Tensor, data: Tensor, push: Tensor | None, fresh: float) -> Tensor:
        state = data * (self.rate * fresh)
        if self.incremental and self.rate < 1:
            state.add_(v, alpha=1 - self.rate)
        return self._settle(state if push is None else state.add_(push))

    def _settle(self, mixed: Tensor, rows: Tensor | None = None) -> Tensor:
        """Return what becomes of models whose mixtures change."""
        if self._settling is None:
            return mixed
        contexts, numbers = self.before.shape[1:]
        blocks = self._settling.reshape(self.models, contexts, numbers, numbers)
        return torch.matmul(blocks if rows is None else blocks[rows], mixed)

    def mixed_back(self, w: Tensor) -> Tensor:
        """Return the transpose of the step from mixtures to states."""
        if self._settling is None:
            return w
        return torch.bmm(self._settling.transpose(-1, -2), w.flatten(0, 1)).reshape(w.shape)

    def learned_back(self, w: Tensor) -> Tensor:
        """Return the transpose of the step from D, what is read, to states."""
        return self.share_back(self.mixed_back(w)) * self.rate

    @property
    def _reads_kept(self) -> bool:
        return bool((self._share("curated") > 0).any() or (self._share("neighbours_curated") > 0).any())

    def _share(self, source: str) -> Tensor:
        return self.diet[:, SOURCES.index(source)]

    def _own(self, v: Tensor, kept: Tensor) -> Tensor:
        total = v * self._share("raw")[:, None, None, None]
        if bool((self._share("curated") > 0).any()):
            total.addcmul_(kept, self._share("curated")[:, None, None, None])
        return total

    def _own_back(self, data: Tensor) -> Tensor:
        total = data * self._share("raw")[:, None, None, None]
        if bool((self._share("curated") > 0).any()):
            total += self.choice.back(data * self._share("curated")[:, None, None, None])
        return total

    def _read(self, links: Links, total: Tensor, v: Tensor, kept: Tensor) -> None:
        for source, values in (("neighbours_raw", v), ("neighbours_curated", kept)):
            if bool((self._share(source) > 0).any()):
                links.add(total, values, self._share(source))

    def _back(self, links: Links, data: Tensor) -> Tensor:
        total = torch.zeros_like(data)
        if bool((self._share("neighbours_curated") > 0).any()):
            links.add_back(total, data, self._share("neighbours_curated"))
            total = self.choice.back(total)
        if bool((self._share("neighbours_raw") > 0).any()):
            links.add_back(total, data, self._share("neighbours_raw"))
        return total
