"""What the generator is to do, as its parent writes it and it reads it."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

GENERATOR = Path(__file__).with_name("generator.py")
# Beyond what is planned: to connect, and to wait for the last answers.
_SPARE_SECONDS = 180.0


@dataclasses.dataclass(frozen=True, slots=True)
class Client:
    """One connection that sends."""

    group: str
    """The group under which its figures are counted."""

    share: float
    """Its part of the load, beside those of the others."""

    token: str = ""
    """What it shows; empty for nothing."""


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """One run of the generator. It is closed with ``in_flight``, open with ``rate``."""

    address: str
    """Where the server listens. Loopback only."""

    requests: list[str]
    """Files with the bytes of a request; the calls take turns."""

    clients: list[Client]
    """Connections that send."""

    seconds: float
    """How long calls are begun."""

    call: str = "run"
    """``run`` (RunJob, to its last event), ``streamed`` (the same over a stream of calls, one
    for each client), ``submit``, or ``status``."""

    in_flight: int = 0
    """Closed: calls at once; the next begins when one has ended."""

    jobs: int = 0
    """Closed: ends after so many calls, if that is before ``seconds``; 0 for no limit."""

    rate: float = 0.0
    """Open: calls a second, begun when the schedule says, whatever has ended."""

    arrivals: str = "poisson"
    """Open: ``poisson`` or ``uniform``."""

    seed: int = 1
    """Of the schedule."""

    warm_up_seconds: float = 1.0
    """At the beginning; not in the figures."""

    most_in_flight: int = 4000
    """Open: calls that come due above this are counted, not sent, so that memory has an end."""

    call_seconds: float = 30.0
    """The deadline of a call."""

    idle_connections: int = 0
    """Connections that are opened beside, and send nothing."""

    cancelled_share: float = 0.0
    """Part of the jobs of which the client cancels the stream, and then a watch."""


def read_plan(text: str) -> Plan:
    """A plan as :func:`generate` sends it."""
    fields: dict[str, Any] = json.loads(text)
    clients = [Client(**client) for client in fields.pop("clients")]
    return Plan(clients=clients, **fields)


def generate(plan: Plan) -> dict[str, Any]:
    """Runs the generator in a process of its own, and returns its figures."""
    host = plan.address.rpartition(":")[0]
    if host not in ("localhost", "127.0.0.1", "[::1]"):
        raise ValueError(f"a load goes to this machine only, not to {host}")
    done = subprocess.run(
        [sys.executable, str(GENERATOR)],
        input=json.dumps(dataclasses.asdict(plan)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=plan.seconds + plan.call_seconds + _SPARE_SECONDS,
    )
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures
