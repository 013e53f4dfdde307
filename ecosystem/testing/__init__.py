"""What every member of a kind must keep to, as checks that anybody can run on theirs, with pytest or without.

A check takes the block as it stands in a scenario (``{"method": "lenient", "candidates": 4, "luck": 0.2}``), or the
class of a plug-in and its settings, and raises `AssertionError` with the law that is broken; what the plug-in itself
raised is its cause. Every check goes by a scenario and the engine, as a run does; the members that come along are held
to the same checks.
"""

from ecosystem.testing.curators import check_curator
from ecosystem.testing.drawn import check_craft, check_judge
from ecosystem.testing.learners import check_learner
from ecosystem.testing.networks import check_network
from ecosystem.testing.remedies import check_remedy
from ecosystem.testing.users import check_choice, check_feedback

__all__ = [
    "check_choice",
    "check_craft",
    "check_curator",
    "check_feedback",
    "check_judge",
    "check_learner",
    "check_network",
    "check_remedy",
]
