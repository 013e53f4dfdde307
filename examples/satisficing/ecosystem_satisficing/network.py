"""Two camps that mostly read their own."""

import networkx as nx
import numpy as np

from ecosystem.plugins import Count, NetworkGenerator


class TwoCamps(NetworkGenerator, name="two_camps"):
    """Each half of the models is a ring; some edges, drawn at random, lead from one camp to the other."""

    bridges: Count = 1
    """How many edges there are between the camps."""

    def graph(self, nodes, seed):
        half = nodes // 2
        graph = nx.disjoint_union(nx.cycle_graph(half), nx.cycle_graph(nodes - half)).to_directed()
        pairs = half * (nodes - half)
        chosen = np.random.default_rng(seed).choice(2 * pairs, size=min(self.bridges, 2 * pairs), replace=False)
        for number in chosen.tolist():
            way, pair = divmod(number, pairs)
            ends = (pair // (nodes - half), half + pair % (nodes - half))
            graph.add_edge(*(ends if way == 0 else ends[::-1]))
        return graph
