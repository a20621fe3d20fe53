"""Random damage to each format and to each call, on a real server with a real worker.

Whatever is sent: the server lives, every call ends in time, and what is refused is
refused with a reason. ``make fuzz`` does the same at length.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor
from hostile_payloads import plain_circuit, qpy_of
from hypothesis import HealthCheck, given, seed, settings, strategies as st
from qiskit import qasm2, qasm3
from server_process import ServerProcess, configured_server, wait_until_loaded

from longwire.codecs.qobj import qobj_to_json
from longwire.qobj.assemble import assemble
from longwire.v1 import (
    account_service_pb2,
    admin_service_pb2,
    backend_service_pb2,
    job_service_pb2 as messages,
    session_service_pb2,
)
from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_pb2 import JobSpec, JobState
from longwire.v1.job_service_pb2_grpc import JobServiceStub
from longwire.v1.program_pb2 import Program, ProgramFormat, RunOptions

CONFIG = """
[[pool]]
name = "default"
processes = 1
memory_limit_mb = 4096
time_limit_seconds = 10

[[backend]]
name = "basic_simulator"
max_attempts = 1
"""
CALL_SECONDS = 60.0
# How long each test goes on; 0 for the same few examples at every run.
FUZZ_SECONDS = float(os.environ.get("LONGWIRE_FUZZ_SECONDS", "0"))
EXAMPLES = 25

# A refusal that tells nothing, or a call that hangs.
UNTYPED = {
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.DEADLINE_EXCEEDED,
}

SERVICES = {
    service.full_name: service
    for module in (
        account_service_pb2,
        admin_service_pb2,
        backend_service_pb2,
        messages,
        session_service_pb2,
    )
    for service in module.DESCRIPTOR.services_by_name.values()
}
METHODS = {
    f"/{name}/{method.name}": method
    for name, service in sorted(SERVICES.items())
    for method in service.methods
}

PROGRAMS = {
    "qpy": (ProgramFormat.PROGRAM_FORMAT_QPY, qpy_of(plain_circuit(), version=15)),
    "openqasm2": (
        ProgramFormat.PROGRAM_FORMAT_OPENQASM2,
        qasm2.dumps(plain_circuit()).encode(),
    ),
    "openqasm3": (
        ProgramFormat.PROGRAM_FORMAT_OPENQASM3,
        qasm3.dumps(plain_circuit()).encode(),
    ),
    "qobj": (
        ProgramFormat.PROGRAM_FORMAT_QOBJ,
        qobj_to_json(assemble([plain_circuit()])),
    ),
}

# Where in a payload (of any length), what is cut out there, and what is put in.
damage = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.integers(0, 8),
        st.one_of(st.binary(max_size=8), st.sampled_from([b"{", b"}", b"(", b"9" * 12, b"\xff"])),
    ),
    min_size=1,
    max_size=4,
)


def damaged(payload: bytes, places: list[tuple[float, int, bytes]]) -> bytes:
    """A payload with some bytes exchanged."""
    for where, cut, put in places:
        place = int(where * len(payload))
        payload = payload[:place] + put + payload[place + cut :]
    return payload


def fuzz(strategy: st.SearchStrategy[object], check: Callable[[object], None]) -> None:
    """Checks some examples: the same ones in every ordinary run."""

    def run(examples: int, number: int) -> None:
        rules = settings(
            max_examples=examples,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        seed(number)(rules(given(strategy)(check)))()

    run(EXAMPLES, 0)
    end = time.monotonic() + FUZZ_SECONDS
    while time.monotonic() < end:
        run(10 * EXAMPLES, random.getrandbits(32))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with one worker."""
    with configured_server(tmp_path_factory.mktemp("fuzzed"), CONFIG) as running:
        wait_until_loaded(running)
        yield running


@pytest.fixture(scope="module")
def channel(server: ServerProcess) -> Iterator[grpc.Channel]:
    """A channel to it, kept open by all tests: it is never dropped."""
    with grpc.insecure_channel(server.address) as opened:
        yield opened


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_damaged_program_ends_in_a_result_or_a_reason(channel: grpc.Channel, name: str) -> None:
    program_format, payload = PROGRAMS[name]
    jobs = JobServiceStub(channel)

    def check(places: object) -> None:
        assert isinstance(places, list)
        sent = damaged(payload, places)
        version = 15 if program_format == ProgramFormat.PROGRAM_FORMAT_QPY else 0
        spec = JobSpec(
            backend_name="basic_simulator",
            program=Program(format=program_format, payloads=[sent], qpy_version=version),
            options=RunOptions(shots=4),
        )
        try:
            call = jobs.RunJob(messages.RunJobRequest(spec=spec), timeout=CALL_SECONDS)
            events = [event for response in call for event in response.events]
        except grpc.RpcError as error:
            _check_refusal(error)
            return
        [job] = [event.finished.job for event in events if event.HasField("finished")]
        if job.status.status != JobState.JOB_STATE_DONE:
            assert job.error.reason not in (
                ErrorReason.ERROR_REASON_UNSPECIFIED,
                ErrorReason.ERROR_REASON_INTERNAL,
            )
            assert job.error.message

    fuzz(damage, check)


def test_damaged_request_of_any_call_ends_in_an_answer_or_a_status(
    server: ServerProcess, channel: grpc.Channel
) -> None:
    valid = messages.RunJobRequest(spec=JobSpec(backend_name="basic_simulator")).SerializeToString()
    requests = st.one_of(st.binary(max_size=64), damage.map(lambda places: damaged(valid, places)))

    def check(example: object) -> None:
        assert isinstance(example, tuple)
        path, request = example
        try:
            _call(channel, path, METHODS[path], request)
        except grpc.RpcError as error:
            _check_refusal(error)

    fuzz(st.tuples(st.sampled_from(sorted(METHODS)), requests), check)
    assert server.process.poll() is None


def _check_refusal(error: grpc.RpcError) -> None:
    assert isinstance(error, grpc.Call)
    assert error.code() not in UNTYPED, error


def _call(channel: grpc.Channel, path: str, method: MethodDescriptor, request: bytes) -> None:
    if method.server_streaming:
        # Some go on as long as there is something to watch.
        stream = channel.unary_stream(path)(request, timeout=CALL_SECONDS)
        next(stream, None)
        stream.cancel()
    else:
        channel.unary_unary(path)(request, timeout=CALL_SECONDS)


def test_honest_program_runs_after_all_of_them(channel: grpc.Channel) -> None:
    program_format, payload = PROGRAMS["qpy"]
    spec = JobSpec(
        backend_name="basic_simulator",
        program=Program(format=program_format, payloads=[payload], qpy_version=15),
        options=RunOptions(shots=4),
    )
    call = JobServiceStub(channel).RunJob(messages.RunJobRequest(spec=spec), timeout=CALL_SECONDS)
    events = [event for response in call for event in response.events]
    assert events[-1].finished.job.status.status == JobState.JOB_STATE_DONE
