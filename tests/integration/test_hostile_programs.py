"""Programs that were made to break whatever reads them, sent to a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import nan
from pathlib import Path

import grpc
import pytest
from hostile_payloads import (
    OPENQASM2,
    OPENQASM3,
    nested_definitions,
    nested_loops,
    noise_model_of_one_x,
    noise_model_of_paulis,
    plain_circuit,
    qpy_of,
    qpy_that_claims,
    qpy_that_names,
)
from qiskit import QuantumCircuit
from qiskit_aer.library import SaveStatevector
from server_process import ServerProcess, configured_server, wait_until_loaded
from service_calls import refusal, run

from longwire import RemoteProvider
from longwire.errors import JobFailedError
from longwire.v1 import job_service_pb2 as messages
from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_pb2 import Job, JobSpec, JobState
from longwire.v1.job_service_pb2_grpc import JobServiceStub
from longwire.v1.noise_model_pb2 import NoiseModel
from longwire.v1.program_pb2 import Program, ProgramFormat, RunOptions

CONFIG = """
[[pool]]
name = "default"
processes = 1
memory_limit_mb = 4096
time_limit_seconds = 60

[[pool]]
name = "short"
processes = 1
time_limit_seconds = 1

[[backend]]
name = "aer_simulator"

[[backend]]
name = "short"
entry_point = "aer_simulator"
pool = "short"
"""

QPY = ProgramFormat.PROGRAM_FORMAT_QPY
QASM2 = ProgramFormat.PROGRAM_FORMAT_OPENQASM2
QASM3 = ProgramFormat.PROGRAM_FORMAT_OPENQASM3
QOBJ = ProgramFormat.PROGRAM_FORMAT_QOBJ

# What each is refused with, and a word of why.
REFUSED = {
    "qpy names a circuit of five million qubits": (
        QPY,
        qpy_that_names("QuantumCircuit", 5_000_000),
        "PROGRAM_INVALID",
        "QuantumCircuit",
    ),
    "qpy names a circuit of the library": (
        QPY,
        qpy_that_names("QFT", 3000),
        "PROGRAM_INVALID",
        "no instruction",
    ),
    "qpy names a function": (
        QPY,
        qpy_that_names("random_circuit", 3),
        "PROGRAM_INVALID",
        "no instruction",
    ),
    "qpy claims a million qubits": (
        QPY,
        qpy_that_claims(1_000_000),
        "LIMIT_EXCEEDED",
        "qubits",
    ),
    "qpy claims a million classical bits": (
        QPY,
        qpy_that_claims(1, 1_000_000),
        "LIMIT_EXCEEDED",
        "classical bits",
    ),
    "qpy claims instructions that are not there": (
        QPY,
        qpy_that_claims(1, 1, 2**40),
        "LIMIT_EXCEEDED",
        "instructions",
    ),
    "qpy nests fifty loops": (
        QPY,
        qpy_of(nested_loops(50)),
        "LIMIT_EXCEEDED",
        "nesting",
    ),
    "qpy ends early": (
        QPY,
        qpy_of(plain_circuit())[:-40],
        "PROGRAM_INVALID",
        "ends in the middle",
    ),
    "openqasm 2 includes a file": (
        QASM2,
        b'OPENQASM 2.0; include "/etc/passwd";',
        "PROGRAM_INVALID",
        "passwd",
    ),
    "openqasm 2 has a thousand million qubits": (
        QASM2,
        f"{OPENQASM2}qreg q[1000000000];".encode(),
        "LIMIT_EXCEEDED",
        "qubits",
    ),
    "openqasm 2 broadcasts": (
        QASM2,
        (OPENQASM2 + "qreg q[50000];" + "h q;" * 40).encode(),
        "LIMIT_EXCEEDED",
        "instructions",
    ),
    "openqasm 2 nests definitions": (
        QASM2,
        nested_definitions(40).encode(),
        "LIMIT_EXCEEDED",
        "definitions",
    ),
    "openqasm 3 includes a file": (
        QASM3,
        b'OPENQASM 3.0; include "/etc/passwd";',
        "PROGRAM_INVALID",
        "",
    ),
    "openqasm 3 has a thousand million qubits": (
        QASM3,
        f"{OPENQASM3}qubit[1000000000] q;".encode(),
        "LIMIT_EXCEEDED",
        "qubits",
    ),
    "openqasm 3 hides a register between quotes in comments": (
        QASM3,
        b'OPENQASM 3.0; /* " */ qubit[100000000] q; /* " */',
        "LIMIT_EXCEEDED",
        "qubits",
    ),
    "openqasm 3 hides a register behind a carriage return": (
        QASM3,
        b"OPENQASM 3.0; // a comment\rqubit[100000000] q;",
        "LIMIT_EXCEEDED",
        "qubits",
    ),
    "openqasm 3 names a physical qubit": (
        QASM3,
        f"{OPENQASM3}x $1000000000;".encode(),
        "LIMIT_EXCEEDED",
        "qubits",
    ),
    "openqasm 3 controls a gate by a thousand million qubits": (
        QASM3,
        f"{OPENQASM3}qubit[2] q; ctrl(1000000000) @ x q[0], q[1];".encode(),
        "LIMIT_EXCEEDED",
        "control qubits",
    ),
    "openqasm 3 broadcasts by slices": (
        QASM3,
        (OPENQASM3 + "qubit[50000] q;" + "h q[0:49999];" * 40).encode(),
        "LIMIT_EXCEEDED",
        "instructions",
    ),
    "openqasm 3 works out a size": (
        QASM3,
        f"{OPENQASM3}qubit[1000*1000*1000] q;".encode(),
        "PROGRAM_INVALID",
        "as a number",
    ),
    "openqasm 3 nests parentheses": (
        QASM3,
        f"{OPENQASM3}qubit q; rx({'(' * 5000}1{')' * 5000}) q;".encode(),
        "LIMIT_EXCEEDED",
        "brackets",
    ),
    "qobj is nested deep": (QOBJ, b"[" * 100_000, "PROGRAM_INVALID", "nested"),
    "qobj holds nan": (QOBJ, b'{"qobj_id": NaN}', "PROGRAM_INVALID", "finite"),
    "qobj holds infinity": (QOBJ, b'{"qobj_id": 1e400}', "PROGRAM_INVALID", "finite"),
    "qobj is something else": (QOBJ, json.dumps({"a": 1}).encode(), "PROGRAM_INVALID", ""),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with one worker, and one whose jobs may take a second."""
    with configured_server(tmp_path_factory.mktemp("hostile"), CONFIG) as running:
        wait_until_loaded(running)
        yield running


@pytest.fixture(scope="module")
def jobs(server: ServerProcess) -> Iterator[JobServiceStub]:
    """Its jobs."""
    with grpc.insecure_channel(server.address) as channel:
        yield JobServiceStub(channel)


def spec(
    program_format: ProgramFormat.ValueType, payload: bytes, backend_name: str = "aer_simulator"
) -> JobSpec:
    """A job with one payload."""
    version = payload[6] if program_format == QPY and len(payload) > 6 else 0
    program = Program(format=program_format, payloads=[payload], qpy_version=version)
    return JobSpec(backend_name=backend_name, program=program, options=RunOptions(shots=4))


def ended(jobs: JobServiceStub, job: JobSpec) -> Job:
    """The job at its end."""
    events = run(jobs, job)
    return next(event.finished.job for event in reversed(events) if event.HasField("finished"))


def reason(job: Job) -> str:
    name = ErrorReason.Name(job.error.reason)
    return name.removeprefix("ERROR_REASON_")


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_hostile_program_is_refused_and_harms_no_worker(
    server: ServerProcess, jobs: JobServiceStub, name: str
) -> None:
    program_format, payload, expected, word = REFUSED[name]
    workers = server.worker_pids()
    job = ended(jobs, spec(program_format, payload))
    assert job.status.status == JobState.JOB_STATE_ERROR
    assert reason(job) == expected, job.error.message
    assert word in job.error.message
    assert "root:" not in job.error.message
    assert server.worker_pids() == workers


@pytest.mark.parametrize(
    ("noise_model", "word"),
    [
        (noise_model_of_one_x(1_000_000), "1000000 qubits"),
        (noise_model_of_paulis(["X" * 1_000_000], [1.0]), "1000000 qubits"),
        (noise_model_of_paulis(["XX"], [1.0]), "1 qubit instruction"),
        (noise_model_of_paulis(["X"], [nan]), "not all finite"),
    ],
    ids=["wide circuit", "wide operators", "operators on fewer qubits", "probability"],
)
def test_hostile_noise_model_is_refused_and_harms_no_worker(
    server: ServerProcess, jobs: JobServiceStub, noise_model: NoiseModel, word: str
) -> None:
    noise_model.noise_instructions.append("h")
    noise_model.all_qubit_errors.add(instruction="h", error=0)
    workers = server.worker_pids()
    hostile = spec(QPY, qpy_of(plain_circuit()))
    option = hostile.options.backend_options.fields.add(name="noise_model")
    option.value.noise_model_value.data = noise_model.SerializeToString()
    job = ended(jobs, hostile)
    assert job.status.status == JobState.JOB_STATE_ERROR
    assert word in job.error.message
    assert server.worker_pids() == workers


def test_old_qpy_is_refused_by_its_first_bytes(jobs: JobServiceStub) -> None:
    payload = bytearray(qpy_of(plain_circuit()))
    payload[6] = 12
    _, info = refusal(lambda: jobs.RunJob(messages.RunJobRequest(spec=spec(QPY, bytes(payload)))))
    assert info.reason == "PROGRAM_FORMAT_UNSUPPORTED"


def test_states_saved_for_every_shot_are_refused_and_harm_no_worker(
    server: ServerProcess,
) -> None:
    circuit = QuantumCircuit(20)
    circuit.h(range(20))
    circuit.append(SaveStatevector(20, pershot=True), range(20))
    workers = server.worker_pids()
    with RemoteProvider(server.address) as provider:
        simulator = provider.get_backend("aer_simulator")
        with pytest.raises(JobFailedError, match="Insufficient memory") as caught:
            simulator.run(circuit, shots=10_000).result()
    assert caught.value.reason == "MEMORY_LIMIT"
    assert server.worker_pids() == workers


def test_loop_without_end_is_ended_by_the_time_limit(jobs: JobServiceStub) -> None:
    circuit = QuantumCircuit(1, 1)
    with circuit.while_loop((circuit.clbits[0], 0)):
        circuit.measure(0, 0)
    # Without anything behind it, Aer drops the loop's end and refuses the circuit.
    circuit.measure(0, 0)
    job = ended(jobs, spec(QPY, qpy_of(circuit), "short"))
    assert reason(job) == "TIME_LIMIT", job.error.message


def test_honest_program_runs_after_all_of_them(jobs: JobServiceStub) -> None:
    assert ended(jobs, spec(QPY, qpy_of(plain_circuit()))).status.status == JobState.JOB_STATE_DONE


def test_refusal_names_no_directory_of_the_servers(
    jobs: JobServiceStub, server: ServerProcess
) -> None:
    text = 'OPENQASM 2.0; include "nothing.inc";'
    job = ended(jobs, spec(QASM2, text.encode()))
    assert str(Path(server.log_path).parent) not in job.error.message
    assert "site-packages" not in job.error.message
