"""A job from its submission to its end, as its user sees it."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import pytest
import scripted_jobs as scripted
from circuits import asymmetric, bell, hours_long
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Parameter
from qiskit.providers import JobError, JobStatus, JobTimeoutError as QiskitJobTimeoutError, JobV1
from qiskit.providers.jobstatus import JOB_FINAL_STATES
from qiskit_aer import AerSimulator
from scripted_jobs import ScriptedJobs
from server_process import ServerProcess, configured_server, wait_until

from longwire import RemoteBackend, RemoteJob, RemoteProvider
from longwire.codecs.result import encode_result
from longwire.errors import (
    InvalidArgumentError,
    InvalidOptionError,
    InvalidProgramError,
    JobCancelledError,
    JobFailedError,
    JobNotFoundError,
    JobTimeoutError,
    LimitExceededError,
    LongwireError,
)
from longwire.providers import BaseJob


class Unsendable:
    """What no message can hold, of a name that is the same in every process."""

    def __repr__(self) -> str:
        return "Unsendable()"


def run_behind(gate: Path, gated: RemoteBackend) -> RemoteJob:
    """A job that runs until the gate opens."""
    job = gated.run(bell(), shots=10, gate=str(gate))
    wait_until(job.running)
    return job


def test_job_is_one_to_old_and_to_new_code(aer: RemoteBackend) -> None:
    job = aer.run(bell(), shots=10)
    assert isinstance(job, BaseJob)
    assert isinstance(job, JobV1)
    assert job.backend() is aer
    assert len(job.job_id()) == 32
    assert job.result().job_id == job.job_id()
    assert (job.status(), job.done(), job.in_final_state()) == (JobStatus.DONE, True, True)
    assert (job.running(), job.cancelled(), job.error_message()) == (False, False, None)
    with pytest.raises(LongwireError, match="submitted already"):
        job.submit()


def test_callback_hears_every_state_once_and_the_final_one_last(aer: RemoteBackend) -> None:
    job = aer.run(asymmetric(), shots=100)
    heard: list[tuple[str, JobStatus, object]] = []
    job.wait_for_final_state(callback=lambda *call: heard.append(call))
    states = [status for _, status, _ in heard]
    assert all(call[0] == job.job_id() and call[2] is job for call in heard)
    assert states == [
        JobStatus.QUEUED,
        JobStatus.VALIDATING,
        JobStatus.RUNNING,
        JobStatus.DONE,
    ]


def test_callback_of_a_finished_job_hears_its_state(aer: RemoteBackend) -> None:
    job = aer.run(bell())
    job.result()
    heard = []
    job.wait_for_final_state(callback=lambda _id, status, _job: heard.append(status))
    assert heard == [JobStatus.DONE]


def test_queued_job_tells_its_position_which_falls(gated: RemoteBackend, gate: Path) -> None:
    first = run_behind(gate, gated)
    waiting = [gated.run(bell(), shots=10) for _ in range(3)]
    assert [job.queue_position() for job in waiting] == [1, 2, 3]
    assert [job.status() for job in waiting] == [JobStatus.QUEUED] * 3
    assert first.queue_position() is None
    assert gated.status().pending_jobs == 3
    assert waiting[0].cancel()
    assert [job.queue_position() for job in waiting] == [None, 1, 2]
    gate.touch()
    assert waiting[2].result().success
    assert first.result().success
    assert gated.status().pending_jobs == 0


def test_cancelled_while_queued_never_runs(gated: RemoteBackend, gate: Path) -> None:
    first = run_behind(gate, gated)
    job = gated.run(bell())
    assert job.cancel()
    assert job.cancelled()
    with pytest.raises(JobCancelledError, match=job.job_id()) as caught:
        job.result()
    assert isinstance(caught.value, JobError)
    assert job.error_message() is None
    assert first.running()
    assert first.job_id() != job.job_id()


def test_cancelled_while_running_ends_at_once_and_the_next_job_runs(
    gated: RemoteBackend, gate: Path
) -> None:
    first = run_behind(gate, gated)
    second = gated.run(bell(), shots=10)
    assert first.cancel()
    assert first.status() is JobStatus.CANCELLED
    assert second.result().success


def test_simulation_that_would_take_hours_is_cancelled(one_worker_server: ServerProcess) -> None:
    with RemoteProvider(one_worker_server.address) as provider:
        aer = provider.get_backend("aer_simulator")
        job = aer.run(hours_long(26), method="statevector", fusion_enable=False)
        wait_until(job.running)
        assert job.cancel()
        assert aer.run(bell(), shots=10).result().success


def test_cancel_of_a_finished_job_changes_nothing(aer: RemoteBackend) -> None:
    job = aer.run(bell(), shots=10)
    assert job.result().success
    assert not job.cancel()
    assert job.done()


def test_cancel_by_another_process_ends_the_wait(gated: RemoteBackend, gate: Path) -> None:
    job = run_behind(gate, gated)
    with RemoteProvider(gated.provider().address) as other:
        assert other.job(job.job_id()).cancel()
    with pytest.raises(JobCancelledError):
        job.result()


def test_result_that_does_not_come_in_time_comes_later(gated: RemoteBackend, gate: Path) -> None:
    job = run_behind(gate, gated)
    with pytest.raises(JobTimeoutError, match=r"0\.2") as caught:
        job.result(timeout=0.2)
    assert isinstance(caught.value, QiskitJobTimeoutError)
    with pytest.raises(JobTimeoutError):
        job.wait_for_final_state(timeout=0)
    assert job.running()
    gate.touch()
    assert sum(job.result(timeout=60).get_counts().values()) == 10


def test_failed_job_tells_why_and_which_circuit(aer: RemoteBackend) -> None:
    good, bad = bell(), QuantumCircuit(2, name="the culprit")
    bad.t(0)
    bad.measure_all()
    job = aer.run([good, bad], method="stabilizer")
    with pytest.raises(JobFailedError, match="the culprit") as caught:
        job.result()
    assert isinstance(caught.value, JobError)
    assert job.status() is JobStatus.ERROR
    assert caught.value.reason == "EXECUTION_FAILED"
    message = job.error_message()
    assert message is not None
    assert "the culprit" in message


def test_circuit_with_a_free_parameter_fails_with_its_name(aer: RemoteBackend) -> None:
    circuit = QuantumCircuit(1, 1, name="free")
    circuit.rx(Parameter("theta"), 0)
    circuit.measure(0, 0)
    with pytest.raises((JobFailedError, InvalidProgramError), match=r"free.*theta"):
        aer.run(circuit).result()


def test_job_survives_pickle_and_copy(gated: RemoteBackend, gate: Path) -> None:
    job = run_behind(gate, gated)
    clones = [pickle.loads(pickle.dumps(job)), copy.deepcopy(job)]
    gate.touch()
    counts = job.result().get_counts()
    clones.append(pickle.loads(pickle.dumps(job)))
    for clone in clones:
        assert clone.job_id() == job.job_id()
        assert clone.result().get_counts() == counts
        clone.backend().provider().close()


def test_result_is_fetched_once(aer: RemoteBackend) -> None:
    job = aer.run(bell())
    result = job.result()
    aer.provider().close()
    assert job.result() is result
    assert job.status() is JobStatus.DONE


def test_every_final_state_is_qiskits_own(aer: RemoteBackend) -> None:
    job = aer.run(bell())
    job.wait_for_final_state()
    assert job.status() in JOB_FINAL_STATES


def test_unknown_option_is_refused_with_the_nearest_name(aer: RemoteBackend) -> None:
    with pytest.raises(InvalidOptionError, match=r"'methd'.*method"):
        aer.run(bell(), methd="statevector")


def test_unknown_option_of_a_qobj_dict_is_refused(aer: RemoteBackend) -> None:
    with pytest.raises(InvalidOptionError, match="seed_simulatr"):
        aer.run(bell(), seed_simulatr=3)


@pytest.mark.parametrize(
    "options",
    [
        {"shots": 0},
        {"shots": -5},
        {"shots": "many"},
        {"shots": 1.5},
        {"shots": True},
        {"memory": "False"},
        {"seed_simulator": -1},
        {"seed_simulator": 2**64},
        {"meas_level": 5},
        {"meas_return": "all"},
        {"precision": Unsendable()},
    ],
    ids=str,
)
def test_option_of_a_wrong_type_or_range_is_refused_before_it_is_sent(
    aer: RemoteBackend, options: dict[str, Any]
) -> None:
    with pytest.raises(InvalidOptionError, match=next(iter(options))):
        aer.run(bell(), **options)


@pytest.mark.parametrize(
    "options",
    [{"method": "statevectr"}, {"precision": 3}, {"fusion_enable": "yes"}, {"noise_model": 1}],
    ids=str,
)
def test_option_that_only_the_backend_can_check_fails_the_job(
    aer: RemoteBackend, options: dict[str, Any]
) -> None:
    with pytest.raises((InvalidOptionError, JobFailedError), match=next(iter(options))) as caught:
        aer.run(bell(), **options).result()
    assert caught.value.reason == "OPTION_INVALID"


def test_options_that_are_the_operators_are_refused(aer: RemoteBackend) -> None:
    with pytest.raises((InvalidOptionError, JobFailedError), match="max_memory_mb"):
        aer.run(bell(), max_memory_mb=1_000_000).result()


def test_request_above_a_limit_of_the_server_is_refused_with_the_limits_name(
    tmp_path: Path, gate: Path
) -> None:
    config = """
    [limits]
    program_bytes = 3_000
    result_bytes = 20_000
    inline_result_bytes = 20_000
    queued_jobs = 2
    [[pool]]
    name = "default"
    processes = 1
    [[backend]]
    name = "gated"
    factory = "gated_backend:GatedBackend"
    """
    with (
        configured_server(tmp_path, config) as server,
        RemoteProvider(server.address) as provider,
    ):
        backend = provider.get_backend("gated")
        with pytest.raises(LimitExceededError, match=r"3000.*limits\.program_bytes") as caught:
            backend.run(hours_long(10))
        assert caught.value.details["limit"] == "limits.program_bytes"
        wide = QuantumCircuit(16)
        wide.h(range(16))
        wide.measure_all()
        with pytest.raises(JobFailedError, match=r"20000 \(limits\.result_bytes\)") as failed:
            backend.run(wide, shots=20_000, memory=True).result()
        assert failed.value.reason == "LIMIT_EXCEEDED"
        run_behind(gate, backend)
        waiting = [backend.run(bell(), shots=10) for _ in range(2)]
        with pytest.raises(LimitExceededError, match=r"limits\.queued_jobs") as caught:
            backend.run(bell())
        assert caught.value.details == {"limit": "limits.queued_jobs", "maximum": "2"}
        gate.touch()
        assert all(job.result().success for job in waiting)
        assert backend.run(bell(), shots=10).result().success


def test_transpile_with_the_backend_says_what_to_use_instead(aer: RemoteBackend) -> None:
    with pytest.raises(InvalidArgumentError, match=r"to_v2\(\).*transpile=True"):
        transpile(bell(), backend=aer)
    with pytest.raises(InvalidArgumentError, match=r"to_v2\(\).*transpile=True"):
        transpile(bell(), aer)


def test_deleted_job_is_not_found_any_more(provider: RemoteProvider, aer: RemoteBackend) -> None:
    job = aer.run(bell(), shots=10)
    job.result()
    job.delete()
    with pytest.raises(JobNotFoundError):
        provider.job(job.job_id())


def test_result_whose_transfer_breaks_is_fetched_again() -> None:
    encoded = encode_result(AerSimulator().run(bell(), shots=10).result())
    jobs = ScriptedJobs(scripted.job("DONE", kind=0), [], result=encoded, broken_transfers=2)
    with scripted.serving(jobs) as address, RemoteProvider(address) as provider:
        result = provider.job(scripted.JOB_ID).result()
    assert sum(result.get_counts().values()) == 10


def test_result_whose_transfer_breaks_ever_again_does_not_come_in_time() -> None:
    jobs = ScriptedJobs(scripted.job("DONE", kind=0), [], broken_transfers=1_000_000)
    with scripted.serving(jobs) as address, RemoteProvider(address) as provider:
        job = provider.job(scripted.JOB_ID)
        with pytest.raises(JobTimeoutError, match=r"is done.*has not answered") as caught:
            job.result(timeout=0.3)
        assert scripted.JOB_ID in str(caught.value)
