"""The simplest craft there is: a model is how often it read each output, so that what it should do is known exactly.

Outputs are 0 … size − 1, real data are as often as `real` says; with the same settings the law is that of sampled
categorical outputs whose readers of a source all read the same pool.
"""

import numpy as np
import torch

from ecosystem.learners.craft import Craft
from ecosystem.plugins import Judge
from ecosystem.world.streams import stream

WHERE = "tests.plain.tally:Tally"


class Tally(Craft, name="tally"):
    """Models that are shares of outputs, ``[worlds, models, contexts, size]``."""

    item = (1,)
    dtype = torch.int64
    measures = ("richness",)

    def __init__(self, batch):
        super().__init__(batch)
        outputs = batch.worlds[0].scenario.outputs
        self.size = outputs.size
        real = torch.tensor(outputs.real, dtype=torch.float64)
        self._real = (real / real.sum(-1, keepdim=True)).expand(batch.contexts, self.size)
        scenario = batch.worlds[0].scenario
        judges = [*scenario.rewards.values(), *scenario.outputs.scores.values()]
        self._values = torch.tensor(
            [judge.values for judge in judges if not isinstance(judge, Judge)], dtype=torch.float64
        ).reshape(-1, self.size)

    def begin(self):
        batch = self.batch
        shares = self._real.expand(batch.size, batch.models, -1, -1).clone()
        return {"shares": shares}, torch.zeros(batch.size, batch.models)

    def _drawn(self, shares, u):
        """Return the output that each uniform number falls on; shares ``[..., size]``, u ``[..., n]``."""
        steps = shares.cumsum(-1)
        return torch.searchsorted((steps / steps[..., -1:]).contiguous(), u, right=True).clamp_max(self.size - 1)

    def real(self, round_, context):
        models, n = context.shape[1:]
        u = torch.tensor(
            np.stack(
                [
                    [stream(world.seed, "tally.real", round_, model).random(n) for model in range(models)]
                    for world in self.batch.worlds
                ]
            )
        )
        rows = self._real[context]
        return self._drawn(rows, u[..., None])

    def write(self, weights, round_, lots, candidates):
        batch = self.batch
        found = []
        for number in range(candidates):
            u = np.stack(
                [
                    [
                        stream(world.seed, f"tally.write.{number}", round_, model).random((batch.contexts, lots))
                        for model in range(batch.models)
                    ]
                    for world in batch.worlds
                ]
            )
            found.append(self._drawn(weights["shares"], torch.from_numpy(u)))
        return torch.stack(found, -1)[..., None]

    def judge(self, items, context):
        del context
        return self._values.mT[items[..., 0]]

    def similarity(self, items, context):
        share = self._real / self._real.amax(-1, keepdim=True)
        return share[context, items[..., 0]]

    def measure(self, written, loss, weights):
        there = torch.nn.functional.one_hot(written[..., 0], self.size).sum(3).double()
        share = there / there.sum(-1, keepdim=True)
        return {
            "distance_real": (share - self._real).abs().sum(-1).mean(-1) / 2,
            "richness": (there > 0).double().sum(-1).mean(-1),
        }

    def train(self, weights, first, lessons, round_):
        before = (weights if self.batch.learning.regime == "incremental" else first)["shares"]
        label = lessons.context * self.size + lessons.items[..., 0]
        counts = torch.zeros(*label.shape[:2], self.batch.contexts * self.size, dtype=torch.float64)
        counts.scatter_add_(-1, label, torch.ones_like(label, dtype=torch.float64))
        counts = counts.reshape(before.shape)
        total = counts.sum(-1, keepdim=True)
        shares = torch.where(total > 0, counts / total.clamp_min(1), before)
        return {"shares": shares}, total[..., 0].sum(-1).float()

    def show(self, items):
        return [str(int(item)) for item in items[:, 0]]
