"""Calls over one stream: each as if it had come by its own RPC."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from api_tokens import Metadata, make_token, revoke_token, shown, sqlite_url
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2
from server_process import ServerProcess, configured_server, resident_bytes, wait_until
from service_calls import bell_spec, detail, refusal
from streamed_calls import CallFailedError, StreamedCalls

from longwire.v1 import backend_service_pb2, job_service_pb2
from longwire.v1.backend_service_pb2_grpc import BackendServiceStub
from longwire.v1.call_service_pb2 import AbandonCall, Call, CallAnswer
from longwire.v1.job_pb2 import JobSpec, JobState
from longwire.v1.job_service_pb2_grpc import JobServiceStub

MAX_CALLS = 50
NUM_BITS = 14
CONFIG = f"""
[server]
drain_grace_seconds = 60

[auth]
required = true

[connections]
max_calls = {MAX_CALLS}

[[pool]]
name = "default"
processes = 1

[[backend]]
name = "gated"
factory = "gated_backend:GatedBackend"
tenants = ["physics"]
"""
GET = "/longwire.v1.JobService/GetJob"
STATUS = backend_service_pb2.GetBackendStatusRequest(backend_name="gated")


@dataclasses.dataclass(frozen=True)
class Site:
    """A server that asks who calls, and records who did what."""

    data_dir: Path
    server: ServerProcess
    channel: grpc.Channel
    user: Metadata
    stranger: Metadata
    reader: Metadata

    def token(self, **facts: Any) -> str:
        """Makes a token."""
        return make_token(sqlite_url(self.data_dir), **facts)

    def stub(self) -> JobServiceStub:
        """The same calls by their RPCs."""
        return JobServiceStub(self.channel)

    def records(self) -> list[dict[str, Any]]:
        """The log of who did what."""
        lines = (self.data_dir / "audit.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def job(self, spec: JobSpec | None = None) -> str:
        """A job that is done."""
        request = job_service_pb2.RunJobRequest(spec=spec or bell_spec())
        call = self.stub().RunJob(request, metadata=self.user)
        return [event.job_id for response in call for event in response.events][-1]

    def large_job(self) -> str:
        """A job that is done, whose last event has some 70 KiB."""
        spec = bell_spec(shots=20_000)
        bits = f"bit[{NUM_BITS}] c; qubit[{NUM_BITS}] q; h q; c = measure q;"
        spec.program.payloads[:] = [f'OPENQASM 3.0; include "stdgates.inc"; {bits}'.encode()]
        return self.job(spec)

    def narrow_channel(self) -> grpc.Channel:
        """One on which the server soon waits with what is not read."""
        options = [("grpc.http2.bdp_probe", 0)]
        return grpc.insecure_channel(self.server.address, options=options)

    def state(self, job_id: str) -> int:
        """The state of a job now."""
        request = job_service_pb2.GetJobRequest(job_id=job_id)
        return self.stub().GetJob(request, metadata=self.user).job.status.status


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    data_dir = tmp_path_factory.mktemp("site")
    url = sqlite_url(data_dir)
    user, stranger = make_token(url), make_token(url, tenant="chemistry")
    reader = make_token(url, scopes=[1])
    with (
        configured_server(data_dir, CONFIG) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        yield Site(data_dir, server, channel, shown(user), shown(stranger), shown(reader))
        assert "error " not in server.log(), server.log()


@pytest.fixture
def calls(site: Site) -> Iterator[StreamedCalls]:
    """A user's stream."""
    with StreamedCalls(site.channel, site.user) as stream:
        yield stream


def _events(responses: list[Any]) -> list[Any]:
    return [event for response in responses for event in response.events]


def test_job_is_run_and_its_result_comes_with_the_last_event(calls: StreamedCalls) -> None:
    request = job_service_pb2.RunJobRequest(spec=bell_spec())
    events = _events(calls.all("run_job", request))
    assert events[0].accepted.created
    assert events[-1].finished.job.status.status == JobState.JOB_STATE_DONE
    assert events[-1].finished.result.data
    sequences = [event.sequence for event in events if not event.HasField("queue_position")]
    assert sequences == sorted(sequences)


def test_every_kind_of_call_answers_as_its_rpc_does(site: Site, calls: StreamedCalls) -> None:
    submit = job_service_pb2.SubmitJobRequest(spec=bell_spec(), request_id="once")
    [first] = calls.all("submit_job", submit)
    again = site.stub().SubmitJob(submit, metadata=site.user)
    assert (first.job.job_id, first.created, again.created) == (again.job.job_id, True, False)
    watch = job_service_pb2.WatchJobRequest(job_id=first.job.job_id)
    watched = _events(calls.all("watch_job", watch))[-1]
    by_rpc = _events(list(site.stub().WatchJob(watch, metadata=site.user)))[-1]
    assert watched == by_rpc
    get = job_service_pb2.GetJobRequest(job_id=first.job.job_id)
    assert calls.all("get_job", get) == [site.stub().GetJob(get, metadata=site.user)]
    status = BackendServiceStub(site.channel).GetBackendStatus(STATUS, metadata=site.user)
    assert calls.all("get_backend_status", STATUS) == [status]


def test_every_kind_of_request_has_a_response_of_its_name_and_a_servicer(
    calls: StreamedCalls,
) -> None:
    kinds = {field.name for field in Call.DESCRIPTOR.oneofs_by_name["request"].fields}
    answered = {field.name for field in CallAnswer.DESCRIPTOR.oneofs_by_name["response"].fields}
    assert kinds == answered | {"abandon"}
    for kind in sorted(answered):
        # None of them can be carried out as it is: each is answered all the same.
        call = Call(call_id=1000)
        getattr(call, kind).SetInParent()
        calls.send(call)
        with pytest.raises(CallFailedError) as caught:
            list(calls.answers(1000))
        assert caught.value.code in (code_pb2.INVALID_ARGUMENT, code_pb2.NOT_FOUND)


def test_many_calls_in_one_message_are_all_answered(site: Site, calls: StreamedCalls) -> None:
    job_id = site.job()
    get = job_service_pb2.GetJobRequest(job_id=job_id)
    run = job_service_pb2.RunJobRequest(spec=bell_spec())
    calls.send(
        *(Call(call_id=number, get_job=get) for number in range(100, 120)),
        *(Call(call_id=number, run_job=run) for number in range(200, 204)),
    )
    for number in range(100, 120):
        [response] = calls.answers(number)
        assert response.job.job_id == job_id
    found = {_events(list(calls.answers(number)))[-1].job_id for number in range(200, 204)}
    assert len(found) == 4


def test_call_that_waits_holds_up_no_other(calls: StreamedCalls, site: Site, gate: Path) -> None:
    run = job_service_pb2.RunJobRequest(spec=bell_spec(gate=gate))
    number = calls.begin("run_job", run)
    running = calls.answers(number)
    accepted = next(running).events[0]
    [status] = calls.all("get_backend_status", STATUS)
    assert status.backend_status.backend_name == "gated"
    gate.touch()
    assert _events(list(running))[-1].finished.job.job_id == accepted.job_id


REFUSED: list[tuple[str, str, Message]] = [
    ("run_job", "RunJob", job_service_pb2.RunJobRequest(spec=bell_spec(backend_name="gate"))),
    (
        "submit_job",
        "SubmitJob",
        job_service_pb2.SubmitJobRequest(spec=bell_spec(), request_id="x" * 200),
    ),
    ("submit_job", "SubmitJob", job_service_pb2.SubmitJobRequest()),
    ("get_job", "GetJob", job_service_pb2.GetJobRequest(job_id="0" * 32)),
    ("watch_job", "WatchJob", job_service_pb2.WatchJobRequest(job_id="0" * 32)),
]


@pytest.mark.parametrize(("kind", "rpc", "request_"), REFUSED)
def test_call_that_is_refused_says_what_its_rpc_says(
    site: Site, calls: StreamedCalls, kind: str, rpc: str, request_: Message
) -> None:
    def by_rpc() -> list[Any]:
        answer = getattr(site.stub(), rpc)(request_, metadata=site.user)
        return list(answer) if kind in ("run_job", "watch_job") else [answer]

    status, _ = refusal(by_rpc)
    with pytest.raises(CallFailedError) as caught:
        calls.all(kind, request_)
    assert caught.value.status == status
    assert (caught.value.code, str(caught.value)) == (status.code, status.message)


@pytest.mark.parametrize("kind", ["run_job", "submit_job"])
def test_call_without_its_scope_is_denied_and_recorded(site: Site, kind: str) -> None:
    before = len(site.records())
    message = {
        "run_job": job_service_pb2.RunJobRequest(spec=bell_spec()),
        "submit_job": job_service_pb2.SubmitJobRequest(spec=bell_spec()),
    }[kind]
    with StreamedCalls(site.channel, site.reader) as calls:
        with pytest.raises(CallFailedError) as caught:
            calls.all(kind, message)
        # What it is good for it may go on doing.
        assert calls.all("get_backend_status", STATUS)
    assert caught.value.code == code_pb2.PERMISSION_DENIED
    assert caught.value.info.metadata["scope"] == "submit"
    [record] = site.records()[before:]
    rpc = "RunJob" if kind == "run_job" else "SubmitJob"
    assert (record["method"], record["code"]) == (
        f"longwire.v1.JobService/{rpc}",
        "PERMISSION_DENIED",
    )


def test_what_is_anothers_is_not_there(site: Site) -> None:
    job_id = site.job()
    with StreamedCalls(site.channel, site.stranger) as calls:
        for kind, message in (
            ("get_job", job_service_pb2.GetJobRequest(job_id=job_id)),
            ("watch_job", job_service_pb2.WatchJobRequest(job_id=job_id)),
            ("get_backend_status", STATUS),
            ("run_job", job_service_pb2.RunJobRequest(spec=bell_spec())),
        ):
            with pytest.raises(CallFailedError) as caught:
                calls.all(kind, message)
            assert caught.value.code == code_pb2.NOT_FOUND


def test_stream_of_a_stranger_is_refused(site: Site) -> None:
    with StreamedCalls(site.channel) as calls:
        calls.begin("get_backend_status", STATUS)
        status, _ = refusal(lambda: calls.rest())
    assert status.code == code_pb2.UNAUTHENTICATED


def test_call_is_recorded_as_its_rpc_is(site: Site, calls: StreamedCalls) -> None:
    before = len(site.records())
    request = job_service_pb2.RunJobRequest(spec=bell_spec())
    by_rpc = _events(list(site.stub().RunJob(request, metadata=site.user)))[0].job_id
    streamed = _events(calls.all("run_job", request))[0].job_id
    first, second = site.records()[before:]
    assert (first["job_id"], second["job_id"]) == (by_rpc, streamed)
    for record in (first, second):
        for fact in ("job_id", "duration_ms", "time"):
            record.pop(fact, None)
    assert first == second


def test_abandoned_call_ends_and_its_job_goes_on(
    site: Site, calls: StreamedCalls, gate: Path
) -> None:
    submit = job_service_pb2.SubmitJobRequest(spec=bell_spec(gate=gate))
    [submitted] = calls.all("submit_job", submit)
    watch = job_service_pb2.WatchJobRequest(job_id=submitted.job.job_id)
    number = calls.begin("watch_job", watch)
    next(calls.answers(number))
    before = len(site.records())
    calls.abandon(number)
    calls.abandon(4711)
    wait_until(lambda: len(site.records()) > before)
    [record] = site.records()[before:]
    assert (record["method"], record["code"]) == ("longwire.v1.JobService/WatchJob", "CANCELLED")
    gate.touch()
    [last] = _events(calls.all("watch_job", watch))[-1:]
    assert last.finished.job.status.status == JobState.JOB_STATE_DONE
    # Nothing was said of the call after its end.
    calls.finish()
    assert all(answer.call_id != number or not answer.is_last for answer in calls.rest())


def test_calls_of_a_stream_end_when_its_caller_goes(site: Site, gate: Path) -> None:
    before = len(site.records())
    with StreamedCalls(site.channel, site.user) as calls:
        submit = job_service_pb2.SubmitJobRequest(spec=bell_spec(gate=gate))
        [submitted] = calls.all("submit_job", submit)
        request = job_service_pb2.WatchJobRequest(job_id=submitted.job.job_id)
        next(calls.answers(calls.begin("watch_job", request)))
    wait_until(lambda: len(site.records()) > before + 1)
    assert site.records()[-1]["code"] == "CANCELLED"
    assert site.state(submitted.job.job_id) != JobState.JOB_STATE_CANCELLED
    gate.touch()


def test_call_of_a_kind_that_the_server_does_not_know_is_unimplemented(
    calls: StreamedCalls,
) -> None:
    # A field of a later version: number 12, a message that is empty.
    calls.send(Call.FromString(Call(call_id=7).SerializeToString() + b"\x62\x00"))
    answer = next(calls.call).answers[0]
    assert (answer.call_id, answer.is_last) == (7, True)
    assert answer.error.code == code_pb2.UNIMPLEMENTED


def test_number_of_a_call_that_is_not_over_ends_the_stream(site: Site, gate: Path) -> None:
    with StreamedCalls(site.channel, site.user) as calls:
        run = job_service_pb2.RunJobRequest(spec=bell_spec(gate=gate))
        calls.send(Call(call_id=5, run_job=run), Call(call_id=5, get_backend_status=STATUS))
        status, info = refusal(lambda: calls.rest())
    assert (status.code, info.reason) == (code_pb2.INVALID_ARGUMENT, "ARGUMENT_INVALID")
    assert "call_id" in status.message
    gate.touch()


def test_number_can_be_used_again_after_its_call(calls: StreamedCalls) -> None:
    for _ in range(3):
        calls.send(Call(call_id=5, get_backend_status=STATUS))
        assert len(list(calls.answers(5))) == 1


def test_calls_above_the_limit_are_refused_and_the_others_go_on(
    calls: StreamedCalls, site: Site, gate: Path
) -> None:
    submit = job_service_pb2.SubmitJobRequest(spec=bell_spec(gate=gate))
    [submitted] = calls.all("submit_job", submit)
    watch = job_service_pb2.WatchJobRequest(job_id=submitted.job.job_id)
    watches = [calls.begin("watch_job", watch) for _ in range(MAX_CALLS)]
    with pytest.raises(CallFailedError) as caught:
        calls.all("get_backend_status", STATUS)
    # Another stream of the same connection makes no more room.
    with StreamedCalls(site.channel, site.user) as other, pytest.raises(CallFailedError):
        other.all("get_backend_status", STATUS)
    assert caught.value.code == code_pb2.RESOURCE_EXHAUSTED
    assert caught.value.info.metadata["limit"] == "connections.max_calls"
    assert detail(caught.value.status, error_details_pb2.RetryInfo())
    gate.touch()
    for number in watches:
        assert _events(list(calls.answers(number)))[-1].HasField("finished")
    assert calls.all("get_backend_status", STATUS)


def test_request_that_is_too_large_says_so(site: Site) -> None:
    with StreamedCalls(site.channel, site.user) as calls:
        spec = bell_spec()
        spec.program.payloads[:] = [b"/" * (1 << 20)]
        calls.begin("run_job", job_service_pb2.RunJobRequest(spec=spec))
        status, info = refusal(lambda: calls.rest())
    assert (status.code, info.reason) == (code_pb2.RESOURCE_EXHAUSTED, "LIMIT_EXCEEDED")


def test_stream_ends_when_its_last_call_is_answered(
    calls: StreamedCalls, site: Site, gate: Path
) -> None:
    run = job_service_pb2.RunJobRequest(spec=bell_spec(gate=gate))
    number = calls.begin("run_job", run)
    next(calls.answers(number))
    calls.finish()
    gate.touch()
    rest = [answer for answer in calls.rest() if answer.call_id == number]
    assert rest[-1].is_last
    assert calls.call.code() is grpc.StatusCode.OK


def test_stream_ends_when_its_credential_is_revoked(site: Site, gate: Path) -> None:
    text = site.token(name="short")
    with StreamedCalls(site.channel, shown(text)) as calls:
        run = job_service_pb2.RunJobRequest(spec=bell_spec(gate=gate))
        accepted = next(calls.answers(calls.begin("run_job", run))).events[0]
        revoke_token(sqlite_url(site.data_dir), text)
        status, _ = refusal(lambda: calls.rest())
    assert status.code == code_pb2.UNAUTHENTICATED
    gate.touch()
    wait_until(lambda: site.state(accepted.job_id) == JobState.JOB_STATE_DONE)


def test_client_that_does_not_read_makes_its_calls_wait_and_not_the_server_grow(
    site: Site,
) -> None:
    job_id = site.job()
    watch = job_service_pb2.WatchJobRequest(job_id=job_id)
    with (
        grpc.insecure_channel(site.server.address) as channel,
        StreamedCalls(channel, site.user) as calls,
    ):
        calls.all("get_backend_status", STATUS)
        before = resident_bytes(site.server.pid)
        rounds, each = 200, 50
        for number in range(rounds):
            first = 1000 + number * each
            calls.send(*(Call(call_id=first + i, watch_job=watch) for i in range(each)))
        # Others are served meanwhile.
        for _ in range(20):
            site.stub().GetJob(job_service_pb2.GetJobRequest(job_id=job_id), metadata=site.user)
        assert resident_bytes(site.server.pid) - before < 32 * 1024 * 1024
        calls.finish()
        ended = {answer.call_id for answer in calls.rest() if answer.is_last}
        assert len(ended) == rounds * each


def test_answers_of_calls_that_were_abandoned_unread_do_not_pile_up(site: Site) -> None:
    with site.narrow_channel() as channel, StreamedCalls(channel, site.user) as calls:
        calls.all("get_backend_status", STATUS)
        watch = job_service_pb2.WatchJobRequest(job_id=site.large_job())
        rounds, each = 20, 20
        for number in range(rounds):
            ids = range(1000 + number * each, 1000 + (number + 1) * each)
            calls.send(*(Call(call_id=call_id, watch_job=watch) for call_id in ids))
            # Others are served meanwhile: so were these calls, up to their answers.
            for _ in range(4 * each):
                site.state(watch.job_id)
            calls.send(*(Call(call_id=call_id, abandon=AbandonCall()) for call_id in ids))
        calls.finish()
        assert sum(answer.ByteSize() for answer in calls.rest()) < 4 * 1024 * 1024


def test_stream_without_calls_holds_none_of_its_requests(site: Site) -> None:
    spec = bell_spec()
    spec.program.payloads[:] = [b"/" * 1_000_000]
    request = job_service_pb2.SubmitJobRequest(spec=spec, request_id="x" * 200)
    with grpc.insecure_channel(site.server.address) as channel, contextlib.ExitStack() as stack:
        streams = [
            stack.enter_context(StreamedCalls(channel, site.user)) for _ in range(MAX_CALLS - 5)
        ]
        for calls in streams:
            calls.all("get_backend_status", STATUS)
        before = resident_bytes(site.server.pid)
        for calls in streams:
            with pytest.raises(CallFailedError):
                calls.all("submit_job", request)
        assert resident_bytes(site.server.pid) - before < 20 * 1024 * 1024


def test_call_is_refused_for_a_credential_that_is_revoked_while_nothing_is_read(
    site: Site,
) -> None:
    text = site.token(name="short")
    with site.narrow_channel() as channel, StreamedCalls(channel, shown(text)) as calls:
        calls.all("get_backend_status", STATUS)
        watch = job_service_pb2.WatchJobRequest(job_id=site.large_job())
        calls.send(*(Call(call_id=1000 + i, watch_job=watch) for i in range(20)))
        for _ in range(80):
            site.state(watch.job_id)
        revoke_token(sqlite_url(site.data_dir), text)
        get = job_service_pb2.GetJobRequest(job_id=watch.job_id)
        status, _ = refusal(lambda: [site.stub().GetJob(get, metadata=shown(text))])
        assert status.code == code_pb2.UNAUTHENTICATED
        before = len(site.records())
        calls.begin("submit_job", job_service_pb2.SubmitJobRequest(spec=bell_spec()))
        submit = "longwire.v1.JobService/SubmitJob"
        wait_until(lambda: any(each["method"] == submit for each in site.records()[before:]))
        [record] = [each for each in site.records()[before:] if each["method"] == submit]
        assert record["code"] == "UNAUTHENTICATED"
        status, _ = refusal(lambda: calls.rest())
    assert status.code == code_pb2.UNAUTHENTICATED


@pytest.mark.parametrize("is_idle", [True, False])
def test_server_that_stops_ends_a_stream_when_its_calls_are_answered(
    tmp_path: Path, gate: Path, is_idle: bool
) -> None:
    config = CONFIG.replace("required = true", "required = false").replace(
        'tenants = ["physics"]', ""
    )
    with (
        configured_server(tmp_path, config) as server,
        grpc.insecure_channel(server.address) as channel,
        StreamedCalls(channel) as calls,
    ):
        calls.all("get_backend_status", STATUS)
        if is_idle:
            server.terminate()
            assert calls.rest() == []
        else:
            run = job_service_pb2.RunJobRequest(spec=bell_spec(gate=gate))
            number = calls.begin("run_job", run)
            next(calls.answers(number))
            server.process.send_signal(signal.SIGTERM)
            gate.touch()
            rest = [answer for answer in calls.rest() if answer.call_id == number]
            assert rest[-1].is_last
        assert calls.call.code() is grpc.StatusCode.OK
