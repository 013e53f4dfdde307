"""A curator that takes what is good enough (Simon 1956, doi:10.1037/h0042769)."""

import torch

from ecosystem.plugins import Curator, Number


class Satisficing(Curator, name="satisficing"):
    """Keeps the first of K candidates whose reward reaches the aspiration; the last one where none does."""

    aspiration: Number = 0.5
    """The reward (over temperature) that is good enough."""

    def keep(self, p, rho, candidates):
        good = rho >= self.aspiration
        share = (p * good).sum(-1, keepdim=True)  # q, how often a candidate is good enough
        tiny = torch.finfo(p.dtype).tiny
        miss = (1 - share).clamp_min(tiny)
        never = (candidates.clamp_max(1e12) * miss.log()).exp().where(share > 0, 1)  # (1 − q)^K; 1e12 is as good as inf
        return (p * (1 - never) / share.clamp_min(tiny)).where(good, p * never / miss)

    def chances(self, rho):
        good = rho >= self.aspiration
        good[:, -1] = True
        return (good & (good.cumsum(-1) == 1)).to(rho)
