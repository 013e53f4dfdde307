"""Settings of all tests."""

import os

from hypothesis import settings

# Everywhere else each run tries new examples; where a change is judged, the same ones.
settings.register_profile("judged", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("judged")
