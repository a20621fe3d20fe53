"""What a worker tells of an attempt, for the tests to look at."""

from __future__ import annotations

from typing import Any

import pytest

from longwire_server.execution.worker.listener import AttemptListener


class Heard(AttemptListener):
    """Notes what an attempt tells."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def running(self) -> None:
        self.events.append("running")

    def progress(self, finished: int, total: int) -> None:
        self.events.append((finished, total))

    def pub_finished(self, result: bytes) -> None:
        self.events.append(result)


@pytest.fixture
def heard() -> Heard:
    return Heard()
