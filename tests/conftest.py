"""What tests of several tiers share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Path]:
    """A gate for ``tests/drivers/gated_backend.py``, open at the latest when the test is over."""
    path = tmp_path / "gate"
    yield path
    path.touch()
