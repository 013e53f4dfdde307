"""What no single field can tell to be wrong: names, dimensions, sums, and settings that go together.

Every check reads the resolved data, not the validated fields, and passes over what is malformed,
so that all that is wrong with a file is told at once and nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ecosystem.errors import Problem
from ecosystem.scenario.checks import (
    curators,
    drawn,
    expectations,
    gaussians,
    images,
    learners,
    modes,
    names,
    network,
    probabilities,
    recording,
    remedies,
    rewards,
    text,
    users,
)
from ecosystem.scenario.checks.facts import Facts
from ecosystem.scenario.document import Document

_CHECKS = (
    names.check_models,
    names.check_earlier,
    names.check_curated,
    rewards.check_names,
    rewards.check_dimensions,
    probabilities.check_distributions,
    probabilities.check_channels,
    gaussians.check_forms,
    gaussians.check_gaussians,
    gaussians.check_choices,
    drawn.check_kind,
    drawn.check_judges,
    drawn.check_settings,
    images.check_images,
    text.check_text,
    curators.check_diets,
    curators.check_rewards,
    curators.check_plugins,
    curators.check_temperatures,
    learners.check_learner,
    network.check_edges,
    network.check_file,
    network.check_generator,
    users.check_groups,
    users.check_responses,
    users.check_sizes,
    remedies.check_remedy,
    modes.check_mode,
    modes.check_precision,
    recording.check_record,
    expectations.check_expectations,
)


def check(resolved: Any, document: Document) -> Iterator[Problem]:
    """Find what is wrong between the fields of a scenario.

    Parameters
    ----------
    resolved : Any
        The data with every expression evaluated.
    document : Document
        The data as written, and where.

    Yields
    ------
    Problem
        Each at its place.
    """
    facts = Facts(resolved, document.base, document.allow_code or not document.file)
    for each in _CHECKS:
        for problem in each(facts):
            yield document.located(problem)
