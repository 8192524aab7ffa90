"""What every test shares: how long hypothesis looks, a terminal without wishes, and the tables from elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A usual run looks at the same examples every time, so that a red run is red again. A long one looks for new ones:
# REMIT_HYPOTHESIS=long pytest -n 0 tests/…
# The same, that is, where the same modules of ours are loaded: hypothesis also draws numbers and texts that stand in
# them, but not in those below a folder called `test` or `tests`. So one file alone, the whole suite, and a checkout in
# such a folder differ; what a red run prints for `@reproduce_failure` holds in all of them.
SLOW_TO_MAKE = [HealthCheck.too_slow, HealthCheck.data_too_large]  # a generated policy with its directory is large
settings.register_profile(
    "ci", derandomize=True, max_examples=60, deadline=None, suppress_health_check=SLOW_TO_MAKE, print_blob=True
)
settings.register_profile(
    "long", max_examples=20_000, deadline=None, suppress_health_check=SLOW_TO_MAKE, print_blob=True
)
settings.load_profile("long" if os.environ.get("REMIT_HYPOTHESIS") == "long" else "ci")

# The caller's wishes about colour and width must not reach what the tests compare, nor a subprocess of theirs.
for _wish in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS", "LINES"):
    os.environ.pop(_wish, None)

# Nor may what the user's own cache holds, nor is anything written there, by no subprocess either.
os.environ["REMIT_CACHE"] = "off"


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of tables from elsewhere, which the repository does not carry."""
    named = os.environ.get("REMIT_CORPORA")
    if not named:
        pytest.skip("REMIT_CORPORA is not set: it names the folder of tables from elsewhere")
    folder = Path(named)
    if not folder.is_dir():
        pytest.fail(f"REMIT_CORPORA names no folder: {named}")
    return folder
