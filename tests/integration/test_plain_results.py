"""``plain_result``: results as messages, for those who ask for them so."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest
from qiskit import QuantumCircuit, qasm3
from server_process import ServerProcess, configured_server, wait_until_loaded
from service_calls import bell_spec, recorded

from longwire.codecs.encoded_result import unpack_result
from longwire.v1 import job_service_pb2 as messages
from longwire.v1.job_event_pb2 import JobFinished
from longwire.v1.job_pb2 import JobSpec
from longwire.v1.job_service_pb2_grpc import JobServiceStub
from longwire.v1.primitive_pb2 import SamplerPub
from longwire.v1.primitive_result_pb2 import PrimitiveResult
from longwire.v1.program_pb2 import CountsFormat, Program, ProgramFormat
from longwire.v1.result_pb2 import Result

# Counts of 2,000 shots on 14 bits, a few kilobytes that zstd makes smaller, are larger.
CONFIG = """
[limits]
inline_result_bytes = 5000

[[backend]]
name = "aer_simulator"
"""
BELL = bell_spec(backend_name="aer_simulator")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with configured_server(tmp_path_factory.mktemp("plain"), CONFIG) as running:
        wait_until_loaded(running)
        yield running


@pytest.fixture
def jobs(server: ServerProcess) -> Iterator[JobServiceStub]:
    with grpc.insecure_channel(server.address) as channel:
        yield JobServiceStub(channel)


def finished(jobs: JobServiceStub, spec: JobSpec, *, plain: bool = True) -> JobFinished:
    """The last event of a new job."""
    call = jobs.RunJob(messages.RunJobRequest(spec=spec, plain_result=plain))
    return [event for response in call for event in response.events][-1].finished


def watched(jobs: JobServiceStub, job_id: str, *, plain: bool) -> JobFinished:
    """The last event of a job that is done."""
    call = jobs.WatchJob(messages.WatchJobRequest(job_id=job_id, plain_result=plain))
    return [event for response in call for event in response.events][-1].finished


def test_plain_result_is_the_message_that_the_bytes_hold(jobs: JobServiceStub) -> None:
    told = finished(jobs, BELL)
    assert not told.HasField("result")
    encoded = watched(jobs, told.job.job_id, plain=False).result
    assert told.plain_result == unpack_result(encoded, Result)
    assert told == watched(jobs, told.job.job_id, plain=True)


def test_without_being_asked_for_results_come_as_bytes(jobs: JobServiceStub) -> None:
    told = finished(jobs, BELL, plain=False)
    assert told.WhichOneof("plain") is None
    assert told.result.data


def test_result_of_a_primitive_is_a_primitive_result(jobs: JobServiceStub) -> None:
    spec = JobSpec(backend_name="aer_simulator", program=BELL.program)
    spec.sampler.pubs.append(SamplerPub(shots=20))
    told = finished(jobs, spec)
    encoded = watched(jobs, told.job.job_id, plain=False).result
    assert told.plain_primitive_result == unpack_result(encoded, PrimitiveResult)
    assert told.plain_primitive_result.pub_results[0].data.fields[0].bit_array.num_shots == 20


def test_result_that_is_compressed_comes_plain_where_the_message_is_small_enough(
    server: ServerProcess, jobs: JobServiceStub
) -> None:
    circuit = QuantumCircuit(4, 4)
    circuit.h(range(4))
    circuit.measure(range(4), range(4))
    text = qasm3.dumps(circuit).encode()

    def spec(copies: int) -> JobSpec:
        payloads = [text] * copies
        program = Program(
            format=ProgramFormat.PROGRAM_FORMAT_OPENQASM3,
            payloads=payloads,
        )
        made = JobSpec(backend_name="aer_simulator", program=program)
        made.options.shots = 500
        made.options.counts_format = CountsFormat.COUNTS_FORMAT_BITSTRINGS
        return made

    few = finished(jobs, spec(3))
    assert [len(each.data[0].counts.bitstrings) for each in few.plain_result.results] == [16] * 3
    # Its bytes are below the limit for results that come along, the message is not.
    many = finished(jobs, spec(12))
    assert many.WhichOneof("plain") is None
    message = unpack_result(many.result, Result)
    assert len(many.result.data) < 5000 < message.ByteSize()
    assert recorded(server.address, many.job.job_id).result_bytes < 5200


def test_other_watchers_of_the_job_are_told_bytes_all_the_same(jobs: JobServiceStub) -> None:
    call = jobs.RunJob(messages.RunJobRequest(spec=BELL, plain_result=True))
    job_id = next(call).events[0].job_id
    other = watched(jobs, job_id, plain=False)
    events = [event for response in call for event in response.events]
    assert other.result.data
    assert events[-1].finished.plain_result == unpack_result(other.result, Result)
