"""What judges say of drawn outputs: those that the craft knows, and those of other packages, in their order."""

from __future__ import annotations

import torch
from torch import Tensor

from ecosystem.learners.craft import Craft
from ecosystem.plugins.kinds import Judge
from ecosystem.plugins.registry import PluginError
from ecosystem.scenario.fields.judges import JudgeBlock
from ecosystem.scenario.scenario import Scenario


class Judges:
    """The judges of a scenario: its named rewards, then its scores.

    Parameters
    ----------
    scenario : Scenario
        Who judges.
    craft : Craft
        What knows the judges that are no plug-ins.
    """

    def __init__(self, scenario: Scenario, craft: Craft) -> None:
        written = (*scenario.rewards.values(), *scenario.outputs.scores.values())
        self._judges = [judge for judge in written if isinstance(judge, JudgeBlock)]
        self._craft = craft

    def values(self, items: Tensor, context: Tensor) -> Tensor:
        """Return what items are worth by each judge, ``[worlds, ..., judges]``; see `Craft.judge`.

        Raises
        ------
        PluginError
            A judge of another package that gives no number for each item.
        """
        brought = [judge for judge in self._judges if isinstance(judge, Judge)]
        if not brought:
            return self._craft.judge(items, context)
        known = len(brought) < len(self._judges)
        told = self._craft.judge(items, context).unbind(-1) if known else ()
        own = iter(told)
        each = [_of(judge, items, context) if isinstance(judge, Judge) else next(own) for judge in self._judges]
        wide = torch.float64 if not told else told[0].dtype
        return torch.stack([value.to(wide) for value in each], -1)


def _of(judge: Judge, items: Tensor, context: Tensor) -> Tensor:
    found = judge.values(items, context)
    if found.shape != context.shape:
        raise PluginError(
            f"judge {judge.plugin_name}: must return {tuple(context.shape)} numbers (got {tuple(found.shape)})"
        )
    return found
