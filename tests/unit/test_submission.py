"""How a job is submitted: what is sent of its program, and what is said of its backend."""

from __future__ import annotations

import hashlib
import pickle
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from scripted_job_service import ScriptedJobService, scripted_job_calls

from longwire.errors import CalibrationChangedWarning, InvalidOptionError, LimitExceededError
from longwire.submission import submit
from longwire.transport.job_calls import JobCalls
from longwire.transport.sent_programs import SentPrograms
from longwire.v1.backend_pb2 import Backend
from longwire.v1.job_pb2 import JobSpec
from longwire.v1.program_pb2 import Program, ProgramFormat

BACKEND = Backend(name="lab", option_names=["method"], max_program_bytes=10_000)
LARGE = (b"a" * 700, b"b" * 500)
SMALL = (b"a" * 1023,)


@pytest.fixture
def service() -> ScriptedJobService:
    """Remembers what it was sent."""
    return ScriptedJobService()


@pytest.fixture
def calls(service: ScriptedJobService) -> Iterator[JobCalls]:
    """Calls of one connection to it."""
    with scripted_job_calls(service) as opened:
        yield opened


def spec_of(payloads: tuple[bytes, ...]) -> JobSpec:
    """A job with a program of these payloads."""
    program = Program(format=ProgramFormat.PROGRAM_FORMAT_OPENQASM3, payloads=payloads)
    return JobSpec(backend_name="lab", program=program, name="mine")


def submit_all(calls: JobCalls, *programs: tuple[bytes, ...]) -> None:
    """Submits a job for each."""
    for payloads in programs:
        stream, _ = submit(calls, BACKEND, spec_of(payloads))
        stream.close()


def sent(service: ScriptedJobService) -> list[tuple[int, bool]]:
    """Of each request, the number of payloads, and whether they had a digest."""
    programs = [request.spec.program for request in service.requests]
    return [(len(each.payloads), bool(each.payloads_sha256)) for each in programs]


def test_large_payloads_go_once_and_then_by_their_digest_alone(
    calls: JobCalls, service: ScriptedJobService
) -> None:
    submit_all(calls, LARGE, LARGE, LARGE)
    assert sent(service) == [(2, True), (0, True), (0, True)]
    digest = hashlib.sha256()
    for payload in LARGE:
        digest.update(len(payload).to_bytes(8, "little") + payload)
    assert {request.spec.program.payloads_sha256 for request in service.requests} == {
        digest.digest()
    }


def test_everything_but_the_payloads_is_sent_with_a_digest(
    calls: JobCalls, service: ScriptedJobService
) -> None:
    submit_all(calls, LARGE, LARGE)
    full, short = (request.spec for request in service.requests)
    del full.program.payloads[:]
    assert short == full
    assert short.name == "mine"


def test_small_payloads_go_in_full_every_time(calls: JobCalls, service: ScriptedJobService) -> None:
    submit_all(calls, SMALL, SMALL)
    assert sent(service) == [(1, False), (1, False)]


def test_payloads_that_the_server_lost_are_sent_once_more_in_the_same_request(
    calls: JobCalls, service: ScriptedJobService
) -> None:
    submit_all(calls, LARGE)
    service.programs.clear()
    submit_all(calls, LARGE, LARGE)
    assert sent(service) == [(2, True), (0, True), (2, True), (0, True)]
    first, asked, again, last = (request.request_id for request in service.requests)
    assert asked == again
    assert len({first, asked, last}) == 3


def test_job_is_returned_as_recorded_with_its_stream(calls: JobCalls) -> None:
    stream, job = submit(calls, BACKEND, spec_of(LARGE))
    stream.close()
    assert (job.job_id, job.backend_name) == (f"{1:032x}", "lab")


def test_copied_calls_know_nothing_of_what_was_sent(
    calls: JobCalls, service: ScriptedJobService
) -> None:
    submit_all(calls, LARGE)
    submit_all(pickle.loads(pickle.dumps(calls)), LARGE)
    assert sent(service) == [(2, True), (2, True)]


def test_many_threads_submit_one_program(calls: JobCalls, service: ScriptedJobService) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: submit_all(calls, LARGE), range(40)))
    assert len({request.request_id for request in service.requests}) == 40
    assert sent(service)[-1] == (0, True)


def test_unknown_option_is_refused_before_anything_is_sent(
    calls: JobCalls, service: ScriptedJobService
) -> None:
    spec = spec_of(SMALL)
    spec.options.backend_options.fields.add(name="metod").value.bool_value = True
    with pytest.raises(InvalidOptionError, match="did you mean method"):
        submit(calls, BACKEND, spec)
    assert service.requests == []


def test_program_above_the_limit_is_refused_before_anything_is_sent(
    calls: JobCalls, service: ScriptedJobService
) -> None:
    with pytest.raises(LimitExceededError, match=r"10001 bytes.*10000 \(limits.program_bytes\)"):
        submit(calls, BACKEND, spec_of((b"a" * 10_001,)))
    assert service.requests == []


def test_changed_calibration_is_warned_of_at_the_callers_line(
    calls: JobCalls, service: ScriptedJobService
) -> None:
    service.target_sha256 = b"new"
    with pytest.warns(CalibrationChangedWarning, match=r"'lab'.*backend\.refresh\(\)") as caught:
        stream, job = submit(calls, BACKEND, spec_of(SMALL), target_sha256=b"old")
    stream.close()
    (warning,) = caught
    assert warning.filename == __file__
    assert isinstance(warning.message, CalibrationChangedWarning)
    assert warning.message.job_id == job.job_id


@pytest.mark.parametrize(
    ("present", "read_here"), [(b"same", b"same"), (b"", b"old"), (b"new", b"")]
)
def test_calibration_that_is_the_same_or_unknown_is_not_warned_of(
    calls: JobCalls, service: ScriptedJobService, present: bytes, read_here: bytes
) -> None:
    service.target_sha256 = present
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stream, _ = submit(calls, BACKEND, spec_of(SMALL), target_sha256=read_here)
    stream.close()


def test_sent_programs_forget_the_least_recently_used() -> None:
    programs = SentPrograms(most_digests=2)
    programs.add(b"first")
    programs.add(b"second")
    programs.add(b"first")
    programs.add(b"third")
    assert [each in programs for each in (b"first", b"second", b"third")] == [True, False, True]
    programs.discard(b"first")
    programs.discard(b"never there")
    assert b"first" not in programs


@pytest.mark.parametrize("kind", ["sampler", "estimator"])
def test_option_of_a_primitive_that_the_backend_does_not_know_is_refused(
    calls: JobCalls, service: ScriptedJobService, kind: str
) -> None:
    spec = spec_of(SMALL)
    getattr(spec, kind).options.run_options.fields.add(name="methods")
    with pytest.raises(InvalidOptionError, match="no run option 'methods'; did you mean method"):
        submit(calls, BACKEND, spec)
    assert sent(service) == []
