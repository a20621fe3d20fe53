"""How long the tests of faults run, and what they draw: ``make faults`` decides it."""

from __future__ import annotations

import os
import random
from typing import Final

# Set by `make faults`; without it the ordinary run is short.
_SECONDS = os.environ.get("LONGWIRE_FAULTS_SECONDS")
IS_LONG: Final = _SECONDS is not None
# Of one storm.
STORM_SECONDS: Final = float(_SECONDS) if _SECONDS is not None else 8.0
# Printed by each test that draws from it: what was drawn once can be drawn again.
SEED: Final = int(os.environ.get("LONGWIRE_FAULTS_SEED") or random.SystemRandom().getrandbits(32))
SEED_IN_WORDS: Final = f"LONGWIRE_FAULTS_SEED={SEED}"
