"""What a plug-in of each kind is: the settings that all of its kind have, and what it must do.

Results are the same bits in any batch of runs: a plug-in treats every world, and every row, on its own. Runs are
computed together where their plug-ins have equal settings, so that a setting is one number, never a tensor.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from ecosystem.plugins.plugin import Plugin
from ecosystem.scenario.fields.common import Candidates, Name, Positive, RewardOf
from ecosystem.scenario.fields.judges import JudgeBlock

if TYPE_CHECKING:
    import networkx
    from torch import Tensor

    from ecosystem.learners.plugged import Training
    from ecosystem.remedies.plugged import Drawn, Written
    from ecosystem.users.feedback import Served


class Curator(Plugin):
    """Of K candidates drawn from the model, a curator of another package keeps one.

    It has `keep` for categorical outputs, `chances` for outputs that are drawn one by one (images, texts, other crafts,
    Gaussian ones in sampled mode), or both.
    """

    kind_of_plugin: ClassVar[str] = "curators"
    not_its_own: ClassVar[frozenset[str]] = frozenset({"candidates", "temperature", "reward"})

    method: Name = Field(examples=["satisficing"])
    """Name of the plug-in."""
    candidates: Candidates = Field(examples=[3])
    """K, how many candidates the curator sees: a count, or `inf`."""
    temperature: Positive | None = Field(default=None, examples=[0.5])
    """T, by which rewards are divided; 1 by default."""
    reward: RewardOf | None = Field(default=None, examples=["taste"])
    """The curator's reward; the model's own by default."""

    @classmethod
    def lacking(cls) -> list[str]:
        """Return what it must have and has not; see `Plugin.lacking`."""
        return [] if cls.has("keep") or cls.has("chances") else ["keep or chances"]

    @classmethod
    def has(cls, method: str) -> bool:
        """Tell whether it has a method of its own, `keep` or `chances`."""
        return getattr(cls, method) is not getattr(Curator, method)

    def keep(self, p: Tensor, rho: Tensor, candidates: Tensor) -> Tensor:
        """Return the distribution of what is kept of what models write; called where K is above 1.

        Parameters
        ----------
        p : Tensor
            Probability of each output, ``[worlds, curves, rows, outputs]``.
        rho : Tensor
            Reward over temperature of each output, ``[worlds, curves, 1, outputs]``.
        candidates : Tensor
            K, ``[worlds, curves, 1, 1]``; it may be infinite.

        Returns
        -------
        Tensor
            As `p`: sums to 1 over outputs, with nothing where p has nothing, and differentiable by autograd.
        """
        raise NotImplementedError

    def chances(self, rho: Tensor) -> Tensor:
        """Return how likely each candidate is to be kept; called where K is above 1.

        Parameters
        ----------
        rho : Tensor
            Reward over temperature of each candidate, ``[choices, K]``, in the order in which they were drawn.

        Returns
        -------
        Tensor
            As `rho`: sums to 1 over candidates.
        """
        raise NotImplementedError


class ChoiceRule(Plugin):
    """How users choose among models, by a rule of another package."""

    kind_of_plugin: ClassVar[str] = "choices"
    goes_by: ClassVar[str] = "experience"
    """What it goes by, for which every group needs a reward: experience, risk, or nothing (empty)."""

    method: Name = Field(examples=["imitation"])
    """Name of the plug-in."""

    @abstractmethod
    def choose(self, choice: Tensor, experience: Tensor, best: Tensor) -> Tensor:
        """Return how users choose anew, ``[worlds, cohorts, models]``: weights, normalised by the engine.

        Parameters
        ----------
        choice : Tensor
            α, which part of a cohort uses each model now, ``[worlds, cohorts, models]``.
        experience : Tensor
            What a cohort experiences with each model, shaped alike.
        best : Tensor
            The satisfaction that leaves nothing to wish, ``[worlds, cohorts]``.
        """


class FeedbackRule(Plugin):
    """How users answer to what they are served, by a rule of another package."""

    kind_of_plugin: ClassVar[str] = "feedback"
    goes_by: ClassVar[str] = "satisfaction"
    """What it goes by, for which every group needs a reward: satisfaction, risk, or nothing (empty)."""
    keeps_total: ClassVar[bool] = False
    """Whether the number of all users stays what it is."""

    method: Name = Field(examples=["word_of_mouth"])
    """Name of the plug-in."""

    @abstractmethod
    def respond(self, activity: Tensor, served: Served, group: int) -> Tensor:
        """Return the expected activity after a round, ``[worlds, cohorts]``, at least 0.

        Where users are counted (`mode: sampled`) it is rounded at random to whole users.

        Parameters
        ----------
        activity : Tensor
            How many users there are, ``[worlds, cohorts]``; a cohort is a group, or a single user.
        served : Served
            `satisfaction`, `best`, `patience`, ``[worlds, cohorts]`` each; `members` tells which cohorts are a group.
        group : int
            The number of the group that the setting `group` names, if the rule has one; else −1.
        """


class NetworkGenerator(Plugin):
    """A network drawn by another package; the fields are the arguments that stand beside `generator`."""

    kind_of_plugin: ClassVar[str] = "networks"
    named_by: ClassVar[str] = "generator"

    generator: Name = Field(examples=["two_camps"])
    """Name of the plug-in."""

    @abstractmethod
    def graph(self, nodes: int, seed: int) -> networkx.Graph[Any]:
        """Return a graph of so many nodes, directed or not; what is drawn comes from the seed alone.

        Edges may carry a `weight` above 0; an undirected edge gives both directions.
        """


class Remedy(Plugin):
    """What is done against bias by another package: it filters what models write before it is read.

    It has `filter` for categorical outputs, `chances` for outputs that are drawn one by one (images, texts, other
    crafts), or both. Users are served what models wrote.
    """

    kind_of_plugin: ClassVar[str] = "remedies"
    similar: ClassVar[bool] = False
    """Whether `chances` goes by how typical outputs are, which takes time to find out."""

    method: Name = Field(examples=["sharpen"])
    """Name of the plug-in."""

    @classmethod
    def lacking(cls) -> list[str]:
        """Return what it must have and has not; see `Plugin.lacking`."""
        if cls.has("chances"):
            return [] if "candidates" in cls.model_fields else ["a field candidates, which its chances are of"]
        return [] if cls.has("filter") else ["filter or chances"]

    @classmethod
    def has(cls, method: str) -> bool:
        """Tell whether it has a method of its own, `filter` or `chances`."""
        return getattr(cls, method) is not getattr(Remedy, method)

    def filter(self, written: Written) -> Tensor:
        """Return what is left of models' outputs for training, ``[worlds, models, contexts, outputs]``; sums to 1."""
        raise NotImplementedError

    def chances(self, drawn: Drawn) -> Tensor:
        """Return how likely each of `candidates` outputs, a field of the class, is to be what is left of them.

        Returns
        -------
        Tensor
            ``[choices, candidates]``, as the numbers of `drawn`; sums to 1 over candidates.
        """
        raise NotImplementedError


class Learner(Plugin):
    """What a model becomes by a round of training, by a learner of another package (categorical or Gaussian outputs).

    What is read (diets, curators, sharing, the corpus) is the engine's; so is what a model does that reads nothing.
    """

    kind_of_plugin: ClassVar[str] = "learners"
    learns: ClassVar[Collection[str]] = ("categorical",)
    """Of which outputs: `categorical`, `gaussian`, or both."""
    differentiable: ClassVar[bool] = True
    """Whether autograd goes through it; influence is refused where it does not."""

    method: Name = Field(examples=["mirror"])
    """Name of the plug-in."""

    @abstractmethod
    def learn(self, training: Training) -> Tensor:
        """Return what models write after a round, ``[worlds, models, contexts, numbers]`` as `training.start`.

        Every model is taught on its own. A row of categorical outputs is their probabilities; one of Gaussian outputs
        is moments (1, E x, E x xᵀ), which `ecosystem.plugins.mean_and_covariance` takes apart and `moments_of` puts
        together.
        """


class Judge(Plugin, JudgeBlock):
    """What a drawn output is worth, by a judge of another package."""

    kind_of_plugin: ClassVar[str] = "judges"
    named_by: ClassVar[str] = "judge"
    judge: Name = Field(examples=["length"])
    """Name of the plug-in."""
    top: ClassVar[float] = float("nan")
    """The largest value that it gives, NaN where it has none."""

    @property
    def largest(self) -> float:
        """The largest value that it gives, NaN where it has none."""
        return self.top

    @abstractmethod
    def values(self, items: Tensor, context: Tensor) -> Tensor:
        """Return what outputs are worth.

        Parameters
        ----------
        items : Tensor
            Outputs as their kind has them (`outputs.kind`), ``[worlds, ..., *item]``.
        context : Tensor
            The kind of prompt that each answers, ``[worlds, ...]``.

        Returns
        -------
        Tensor
            Shaped as `context`; an output's value depends on it and its context alone.
        """
