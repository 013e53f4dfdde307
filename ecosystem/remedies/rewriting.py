"""Remedies that change what a training set consists of: fresh real data, accumulation.

Fresh real data of share s leave (1 − s) to all other sources of a diet; `corpus: {refresh: s}` says the same.
"""

from __future__ import annotations

from ecosystem.scenario.fields.learning import Learning, RefreshCorpus
from ecosystem.scenario.fields.remedy import Accumulation, FreshData
from ecosystem.scenario.scenario import Scenario


def fresh_share(scenario: Scenario) -> float:
    """Return what share of every training set is fresh real data, beside what the diets say."""
    others = 1.0
    if isinstance(scenario.learning.corpus, RefreshCorpus):
        others *= 1 - scenario.learning.corpus.refresh
    if isinstance(scenario.remedy, FreshData):
        others *= 1 - scenario.remedy.share
    return 1 - others


def learning_in_effect(scenario: Scenario) -> Learning:
    """Return how models learn, the remedy applied."""
    learning = scenario.learning
    if isinstance(scenario.remedy, Accumulation):
        return learning.model_copy(update={"corpus": "accumulate"})
    return learning.model_copy(update={"corpus": "replace"}) if isinstance(learning.corpus, RefreshCorpus) else learning
