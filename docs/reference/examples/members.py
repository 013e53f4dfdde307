"""A plug-in of each kind, as a scenario names them by file."""

import networkx as nx
import torch

from ecosystem.plugins import (
    ChoiceRule,
    Count,
    Curator,
    FeedbackRule,
    Judge,
    Learner,
    NetworkGenerator,
    Number,
    Positive,
    Remedy,
    Share,
)


class Satisficing(Curator, name="satisficing"):
    """Keeps the first of K candidates that is good enough; the last one where none is."""

    aspiration: Number = 0.5

    def keep(self, p, rho, candidates):
        good = rho >= self.aspiration
        q = (p * good).sum(-1, keepdim=True)
        tiny = torch.finfo(p.dtype).tiny
        miss = (1 - q).clamp_min(tiny)
        never = (candidates.clamp_max(1e12) * miss.log()).exp().where(q > 0, 1)
        return (p * (1 - never) / q.clamp_min(tiny)).where(good, p * never / miss)


class Mirror(Learner, name="mirror"):
    """A step of mirror descent towards what was read, sharpened."""

    sharpness: Positive = 1.0

    def learn(self, training):
        eta = training.rate
        logs = torch.xlogy(1 - eta, training.start) + torch.xlogy(self.sharpness * eta, training.data)
        return torch.softmax(logs, dim=-1)


class WordOfMouth(FeedbackRule, name="word_of_mouth"):
    """Satisfied users bring others, up to a number of users that there can be."""

    rate: Positive = 0.1
    capacity: Positive

    def respond(self, activity, served, group):
        room = 1 - activity.sum(-1, keepdim=True) / self.capacity
        return (activity * (1 + self.rate * served.satisfaction * room)).clamp_min(0)


class Imitation(ChoiceRule, name="imitation"):
    """Users meet others, and go over to models of which these have more to tell."""

    pull: Positive = 1.0

    def choose(self, choice, experience, best):
        return choice * (self.pull * experience).exp()


class Softened(Remedy, name="softened"):
    """What models write is mixed with their real data before it is read, the more the lower its quality."""

    most: Share = 0.5

    def filter(self, written):
        quality = (written.outputs * written.scores["quality"]).sum(-1, keepdim=True)
        share = self.most * (1 - quality).clamp(0, 1)
        return (1 - share) * written.outputs + share * written.real


class TwoCamps(NetworkGenerator, name="two_camps"):
    """Each half of the models is a ring, and some pairs across them read one another."""

    bridges: Count = 1

    def graph(self, nodes, seed):
        half = nodes // 2
        graph = nx.disjoint_union(nx.cycle_graph(half), nx.cycle_graph(nodes - half))
        graph.add_edges_from((number, half + number) for number in range(min(self.bridges, half)))
        return graph


class Contrast(Judge, name="contrast"):
    """How far the numbers of an image lie apart, up to a limit."""

    limit: Positive = 1.0

    def values(self, items, context):
        return items.flatten(context.dim()).double().std(-1).clamp_max(self.limit)
