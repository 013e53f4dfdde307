"""Networks that NetworkX generates, by name; their arguments are checked without importing it.

`ecosystem.world.generation` makes them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ecosystem.errors import did_you_mean, shorten
from ecosystem.plugins import registry
from ecosystem.scenario.document import Document

if TYPE_CHECKING:
    from ecosystem.plugins.kinds import NetworkGenerator

Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Generator:
    """How one generator is called.

    Attributes
    ----------
    arguments : str
        What a scenario gives: ``name:kind``, with ``?`` after what may be left out.
    nodes : callable, optional
        The number of nodes that the arguments make; None where it is the number of models.
    n : callable, optional
        The argument `n` that makes so many nodes, None where `n` is not supplied.
    function : str
        Name of the function, by default that of the generator with ``_graph``.
    """

    arguments: str = ""
    nodes: Callable[[Arguments], int] | None = None
    n: Callable[[int], float] | None = None
    function: str = ""

    @property
    def kinds(self) -> dict[str, str]:
        """Kind of each argument, by name."""
        return dict(each.rstrip("?").split(":") for each in self.arguments.split())

    @property
    def required(self) -> list[str]:
        """Arguments that must be given."""
        return [each.split(":")[0] for each in self.arguments.split() if not each.endswith("?")]


def _sized(arguments: str = "", n: Callable[[int], float] = lambda nodes: nodes, function: str = "") -> Generator:
    """Describe a generator that makes as many nodes as there are models."""
    return Generator(arguments, None, n, function)


def _fixed(arguments: str, nodes: Callable[[Arguments], int], function: str = "") -> Generator:
    """Describe a generator whose arguments tell the number of nodes."""
    return Generator(arguments, nodes, None, function)


def _half(nodes: int) -> float:
    return nodes / 2


GENERATORS: dict[str, Generator] = {
    # Random graphs
    "barabasi_albert": _sized("m:int"),
    "binomial": _sized("p:share directed:bool?"),
    "connected_watts_strogatz": _sized("k:int p:share tries:int?"),
    "dense_gnm_random": _sized("m:int"),
    "dual_barabasi_albert": _sized("m1:int m2:int p:share"),
    "duplication_divergence": _sized("p:share"),
    "erdos_renyi": _sized("p:share directed:bool?"),
    "extended_barabasi_albert": _sized("m:int p:share q:share"),
    "fast_gnp_random": _sized("p:share directed:bool?"),
    "gnm_random": _sized("m:int directed:bool?"),
    "gnp_random": _sized("p:share directed:bool?"),
    "newman_watts_strogatz": _sized("k:int p:share"),
    "powerlaw_cluster": _sized("m:int p:share"),
    "random_geometric": _sized("radius:real dim:int? p:real?"),
    "random_labeled_tree": _sized(function="random_labeled_tree"),
    "random_regular": _sized("d:int"),
    "soft_random_geometric": _sized("radius:real dim:int? p:real?"),
    "watts_strogatz": _sized("k:int p:share"),
    "waxman": _sized("beta:real? alpha:real?"),
    # Random directed graphs
    "gn": _sized(),
    "gnc": _sized(),
    "gnr": _sized("p:share"),
    "random_k_out": _sized("k:int alpha:real self_loops:bool?"),
    "scale_free": _sized("alpha:share? beta:share? gamma:share? delta_in:real? delta_out:real?"),
    # Communities
    "caveman": _fixed("l:int k:int", lambda a: a["l"] * a["k"]),
    "connected_caveman": _fixed("l:int k:int", lambda a: a["l"] * a["k"]),
    "gaussian_random_partition": _sized("s:real v:real p_in:share p_out:share directed:bool?"),
    "planted_partition": _fixed("l:int k:int p_in:share p_out:share directed:bool?", lambda a: a["l"] * a["k"]),
    "random_partition": _fixed("sizes:ints p_in:share p_out:share directed:bool?", lambda a: sum(a["sizes"])),
    "relaxed_caveman": _fixed("l:int k:int p:share", lambda a: a["l"] * a["k"]),
    "ring_of_cliques": _fixed(
        "num_cliques:int clique_size:int", lambda a: a["num_cliques"] * a["clique_size"], "ring_of_cliques"
    ),
    "stochastic_block": _fixed(
        "sizes:ints p:matrix directed:bool? selfloops:bool?",
        lambda a: sum(a["sizes"]),
        "stochastic_block_model",
    ),
    "windmill": _fixed("n:int k:int", lambda a: a["n"] * (a["k"] - 1) + 1),
    # Regular graphs
    "balanced_tree": _fixed(
        "r:int h:int", lambda a: sum(a["r"] ** level for level in range(min(a["h"], 64) + 1)), "balanced_tree"
    ),
    "barbell": _fixed("m1:int m2:int", lambda a: 2 * a["m1"] + a["m2"]),
    "binomial_tree": _sized(n=math.log2, function="binomial_tree"),
    "circulant": _sized("offsets:ints"),
    "circular_ladder": _sized(n=_half),
    "complete": _sized(),
    "complete_bipartite": _fixed("n1:int n2:int", lambda a: a["n1"] + a["n2"]),
    "cycle": _sized(),
    "empty": _sized(),
    "full_rary_tree": _sized("r:int", function="full_rary_tree"),
    "grid_2d": _fixed("m:int n:int periodic:bool?", lambda a: a["m"] * a["n"]),
    "hypercube": _sized(n=math.log2),
    "ladder": _sized(n=_half),
    "lollipop": _fixed("m:int n:int", lambda a: a["m"] + a["n"]),
    "path": _sized(),
    "star": _sized(n=lambda nodes: nodes - 1),
    "tadpole": _fixed("m:int n:int", lambda a: a["m"] + a["n"]),
    "turan": _sized("r:int"),
    "wheel": _sized(),
    # Networks that were observed
    "davis_southern_women": _fixed("", lambda a: 32),
    "florentine_families": _fixed("", lambda a: 15),
    "karate_club": _fixed("", lambda a: 34),
    "les_miserables": _fixed("", lambda a: 77),
    "petersen": _fixed("", lambda a: 10),
}
"""Every generator that a scenario may name; each is the NetworkX function of that name."""

_KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "int": ("a whole number of at least 0", lambda value: _is_int(value)),
    "real": ("a number", lambda value: _is_real(value)),
    "share": ("a number from 0 to 1", lambda value: _is_real(value) and 0 <= value <= 1),
    "bool": ("true or false", lambda value: isinstance(value, bool)),
    "ints": ("a list of whole numbers", lambda value: _is_list(value, _is_int)),
    "matrix": (
        "a list of lists of numbers from 0 to 1",
        lambda value: _is_list(value, lambda row: _is_list(row, _KINDS["share"][1])),
    ),
}


def problems(name: str, arguments: Arguments) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a generator's name or arguments, each with the key it is about."""
    generator = GENERATORS.get(name)
    if generator is None:
        plugin = registry.find("networks", name)
        if plugin is None:
            known = registry.suggestion("networks", name, GENERATORS)
            yield "generator", f"there is no generator {shorten(name)}{known}"
        else:
            yield from _problems_of(plugin, name, arguments)
        return
    kinds = generator.kinds
    for key, value in arguments.items():
        if key in kinds:
            wanted, fits = _KINDS[kinds[key]]
            if not fits(value) and not (value is None and key not in generator.required):
                yield key, f"must be {wanted} (got {shorten(value)})"
        elif key == "n" and generator.n is not None:
            yield key, "is the number of models, which is known; leave it out"
        else:
            known = did_you_mean(key, kinds) if kinds else "; it takes none"
            yield key, f"{name} takes no such argument{known}"
    for key in generator.required:
        if key not in arguments:
            yield key, f"is missing; {name} takes {', '.join(kinds)}"


def _problems_of(plugin: type[NetworkGenerator], name: str, arguments: Arguments) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the arguments of a generator of another package."""
    from pydantic import ValidationError

    from ecosystem.scenario.problems import translate
    from ecosystem.scenario.shape import shape_of_block

    try:
        plugin.model_validate({"generator": name, **arguments})
    except ValidationError as error:
        for problem in translate(error, arguments, Document(arguments), shape_of_block(plugin)):
            yield str(problem.path[0]) if problem.path else "generator", problem.message


def check(name: str, arguments: Arguments) -> None:
    """Refuse a generator that does not exist, or arguments that it does not take.

    Raises
    ------
    ValueError
        If something is wrong, with all of it.
    """
    wrong = [f"{key}: {message}" for key, message in problems(name, arguments)]
    if wrong:
        raise ValueError("; ".join(wrong))


def node_count(name: str, arguments: Arguments) -> int | None:
    """Return how many nodes a generator makes, None where it makes as many as are asked for."""
    nodes = GENERATORS[name].nodes if name in GENERATORS else None
    return None if nodes is None else nodes(arguments)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_real(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_list(value: Any, fits: Callable[[Any], bool]) -> bool:
    return isinstance(value, (list, tuple)) and len(value) > 0 and all(map(fits, value))
