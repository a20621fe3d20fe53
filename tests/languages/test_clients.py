"""The clients in other languages do what the Python client does, and tell what it tells."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from api_tokens import make_token, sqlite_url
from certificates import Authority
from language_clients import BUILD_SECONDS, Language, Outcome
from proxy import Proxy
from qiskit import QuantumCircuit
from qiskit.quantum_info import Statevector
from server_process import START_SECONDS, ServerProcess, configured_server, wait_until

from longwire import RemoteProvider

# The first test of a client builds it.
pytestmark = pytest.mark.timeout(BUILD_SECONDS + 300)

SEEDED = ("--shots", "600", "--seed", "11")
STATE = """OPENQASM 3.0;
include "stdgates.inc";
qubit[3] q;
ry(0.3) q[0];
cx q[0], q[1];
rz(1.1) q[1];
rx(0.7) q[2];
"""


def submitted(client: Language, here: dict[str, str], *arguments: str) -> str:
    """The id of a job that a client has submitted."""
    outcome = client.run("submit", *arguments, variables=here)
    assert outcome.code == 0, outcome
    [job_id] = outcome.of("job")
    return job_id


def test_clients_own_tests_and_style_pass(client: Language) -> None:
    client.check()


def test_backends_are_listed_with_their_status(
    client: Language, here: dict[str, str], provider: RemoteProvider
) -> None:
    outcome = client.run("backends", variables=here)
    assert outcome.code == 0, outcome
    expected = []
    for backend in provider.backends():
        status = backend.status()
        condition = "operational" if status.operational else "down"
        expected.append(
            f"{status.backend_name}\t{condition}\t{status.pending_jobs}\t{status.status_msg}"
        )
    assert outcome.lines == expected


def test_circuit_runs_with_the_counts_that_python_has(
    client: Language, here: dict[str, str], provider: RemoteProvider, program: Path
) -> None:
    outcome = client.run("run", str(program), *SEEDED, "--name", "told", variables=here)
    assert outcome.code == 0, outcome
    backend = provider.get_backend("aer_simulator")
    local = backend.run(program.read_text(), shots=600, seed_simulator=11).result().get_counts()
    assert outcome.of("count") == [f"{bits} {local[bits]}" for bits in sorted(local)]
    states = outcome.of("state")
    assert states[0] in ("QUEUED", "VALIDATING")
    assert states[-1] == "DONE"
    assert len(states) == len(set(states))
    [job_id] = outcome.of("job")
    assert provider.job(job_id).name() == "told"
    # Whoever comes later is told the end, and the same result.
    watched = client.run("watch", job_id, variables=here)
    assert (watched.of("state")[-1], watched.of("count")) == ("DONE", outcome.of("count"))
    assert client.run("result", job_id, variables=here).lines == [
        f"count {line}" for line in outcome.of("count")
    ]


def test_every_shot_is_read_in_its_order_also_of_a_result_in_chunks(
    client: Language, here: dict[str, str], provider: RemoteProvider, program: Path
) -> None:
    # 200,000 rows are more than comes along with the last event, and are compressed.
    arguments = ("--shots", "200000", "--seed", "3", "--memory")
    outcome = client.run("run", str(program), *arguments, variables=here)
    assert outcome.code == 0, outcome
    job = provider.job(outcome.of("job")[0])
    assert outcome.of("shot") == job.result().get_memory()


def test_state_vector_is_that_of_the_circuit(
    client: Language, here: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "state.qasm"
    path.write_text(STATE)
    outcome = client.run("run", str(path), "--statevector", "--shots", "1", variables=here)
    assert outcome.code == 0, outcome
    rows = [line.split() for line in outcome.of("amplitude")]
    assert [int(index) for index, _, _ in rows] == list(range(8))
    told = [complex(float(real), float(imag)) for _, real, imag in rows]
    circuit = QuantumCircuit(3)
    circuit.ry(0.3, 0)
    circuit.cx(0, 1)
    circuit.rz(1.1, 1)
    circuit.rx(0.7, 2)
    assert np.allclose(told, Statevector(circuit))


def test_outcomes_wider_than_64_bits_are_read(
    client: Language, here: dict[str, str], provider: RemoteProvider
) -> None:
    circuit = QuantumCircuit(70, 70)
    circuit.h(0)
    circuit.x(3)
    circuit.measure(range(70), range(70))
    # From Python, so that outcomes come as numbers.
    job = provider.get_backend("aer_simulator").run(circuit, shots=50, seed_simulator=5)
    counts = job.result().get_counts()
    outcome = client.run("result", job.job_id(), variables=here)
    assert outcome.of("count") == [f"{bits} {counts[bits]}" for bits in sorted(counts)]


def test_job_is_cancelled_and_its_watcher_told(
    client: Language, here: dict[str, str], program: Path, gate: Path
) -> None:
    job_id = submitted(client, here, str(program), "--backend", "gated", "--option", f"gate={gate}")
    outcome = client.run("cancel", job_id, variables=here)
    assert (outcome.code, outcome.lines) == (0, ["state CANCELLED"])
    watched = client.run("watch", job_id, variables=here)
    assert watched.code == 1
    assert watched.of("state")[-1] == "CANCELLED"
    assert watched.errors == ["error: the job was cancelled"]


def until_running(process: object) -> list[str]:
    """What a client prints until its job runs."""
    lines: list[str] = []
    stdout = process.stdout  # type: ignore[attr-defined]
    while not lines or lines[-1] != "state RUNNING":
        line = stdout.readline()
        assert line, lines
        lines.append(line.rstrip("\n"))
    return lines


def test_client_goes_on_where_its_connection_breaks(
    client: Language, server: ServerProcess, program: Path, gate: Path
) -> None:
    proxy = Proxy(server.address)
    try:
        arguments = ("run", str(program), "--backend", "gated", "--option", f"gate={gate}")
        with client.start(*arguments, variables={"LONGWIRE_ADDRESS": proxy.address}) as process:
            lines = until_running(process)
            before = proxy.accepted
            proxy.cut()
            wait_until(lambda: proxy.accepted > before)
            proxy.cut()
            gate.touch()
            output, errors = process.communicate(timeout=START_SECONDS)
    finally:
        proxy.close()
    outcome = Outcome(process.returncode, lines + output.splitlines(), errors.splitlines())
    assert outcome.code == 0, outcome
    states = outcome.of("state")
    assert states[-1] == "DONE"
    assert len(states) == len(set(states)), "a state was told twice"
    assert len(outcome.of("job")) == 1
    assert outcome.of("count")
    assert any(line.startswith("reconnecting after sequence ") for line in outcome.errors)


def test_client_goes_on_where_the_server_is_started_again(
    client: Language, tmp_path: Path, program: Path, gate: Path
) -> None:
    config = """
    [server]
    drain_grace_seconds = 0.2

    [[backend]]
    name = "gated"
    factory = "gated_backend:GatedBackend"
    max_attempts = 3
    """
    with configured_server(tmp_path / "server", config) as server:
        address = server.address
        arguments = ("run", str(program), "--backend", "gated", "--option", f"gate={gate}")
        process = client.start(*arguments, variables={"LONGWIRE_ADDRESS": address})
        lines = until_running(process)
        server.terminate()
    gate.touch()
    with process, configured_server(tmp_path / "server", config, address=address):
        output, errors = process.communicate(timeout=START_SECONDS)
    outcome = Outcome(process.returncode, lines + output.splitlines(), errors.splitlines())
    assert outcome.code == 0, outcome
    assert outcome.of("state")[-1] == "DONE"
    assert outcome.of("count")


def test_refusal_is_told_with_its_details(
    client: Language, here: dict[str, str], program: Path
) -> None:
    outcome = client.run("run", str(program), "--backend", "aer_simulater", variables=here)
    assert outcome.code == 1
    assert outcome.errors[0].startswith("error: NOT_FOUND BACKEND_NOT_FOUND: ")
    assert "  near: aer_simulator" in outcome.errors


def test_limit_is_told_with_its_name_and_a_field_with_its_path(
    client: Language, here: dict[str, str], program: Path
) -> None:
    outcome = client.run("run", str(program), "--shots", "3000000", variables=here)
    assert outcome.code == 1
    assert outcome.errors[0].startswith("error: ")
    assert " LIMIT_EXCEEDED: " in outcome.errors[0]
    assert any(line.startswith("  limit: ") for line in outcome.errors), outcome
    assert "  maximum: 2000000" in outcome.errors
    name = client.run("run", str(program), "--name", "n" * 200, variables=here)
    assert name.errors[0].startswith("error: INVALID_ARGUMENT ARGUMENT_INVALID: ")
    assert any(line.startswith("  field spec.name: ") for line in name.errors), name


def test_rate_is_told_with_the_time_after_which_to_try_again(
    client: Language, tmp_path: Path, program: Path
) -> None:
    config = '[quotas]\njobs_per_second = 0.001\n[[backend]]\nname = "basic_simulator"\n'
    with configured_server(tmp_path / "server", config) as server:
        variables = {"LONGWIRE_ADDRESS": server.address}
        arguments = ("submit", str(program), "--backend", "basic_simulator")
        outcomes = [client.run(*arguments, variables=variables) for _ in range(3)]
    refused = outcomes[-1]
    assert refused.code == 1
    assert refused.errors[0].startswith("error: RESOURCE_EXHAUSTED LIMIT_EXCEEDED: ")
    assert any(line.startswith("  quota ") for line in refused.errors), refused
    [delay] = [line for line in refused.errors if line.startswith("  retry after ")]
    seconds = delay.split()[2]
    assert delay == f"  retry after {float(seconds):.3f} s"
    assert float(seconds) > 0


def test_job_that_fails_is_told_with_its_reason(
    client: Language, here: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "broken.qasm"
    path.write_text('OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[1] q;\nnonsense q[0];\n')
    outcome = client.run("run", str(path), variables=here)
    assert outcome.code == 1
    [job_id] = outcome.of("job")
    assert outcome.of("state")[-1] == "ERROR"
    assert outcome.errors[-1].startswith(f"error: job {job_id} failed: PROGRAM_INVALID: ")


def test_deadline_ends_the_command_and_the_job_that_it_runs(
    client: Language,
    here: dict[str, str],
    provider: RemoteProvider,
    program: Path,
    gate: Path,
) -> None:
    arguments = (str(program), "--backend", "gated", "--option", f"gate={gate}")
    # Long enough for a program that starts slowly to have its job accepted.
    outcome = client.run("--deadline", "10", "run", *arguments, variables=here)
    assert outcome.code == 1
    assert outcome.errors[-1].startswith("error: DEADLINE_EXCEEDED: ")
    [owned] = outcome.of("job")
    wait_until(provider.job(owned).cancelled)
    # One that it only watches goes on.
    other = submitted(client, here, *arguments)
    watched = client.run("--deadline", "2", "watch", other, variables=here)
    assert watched.errors[-1].startswith("error: DEADLINE_EXCEEDED: ")
    gate.touch()
    assert provider.job(other).result(timeout=START_SECONDS).success


def test_tls_and_token_are_shown_and_nothing_less_will_do(
    client: Language, tmp_path: Path, program: Path
) -> None:
    authority, other = Authority(), Authority("other")
    certificate, key = authority.issue().write(tmp_path, "server")
    data_dir = tmp_path / "server"
    data_dir.mkdir()
    token = make_token(sqlite_url(data_dir))
    config = f"""
    [tls]
    certificate = "{certificate}"
    key = "{key}"

    [[backend]]
    name = "basic_simulator"
    """
    with configured_server(data_dir, config) as server:
        good = {
            "LONGWIRE_ADDRESS": server.address,
            "LONGWIRE_CA": str(authority.write(tmp_path / "ca.pem")),
            "LONGWIRE_TOKEN": token,
        }
        arguments = ("run", str(program), "--backend", "basic_simulator")
        outcome = client.run(*arguments, variables=good)
        assert outcome.code == 0, outcome
        assert outcome.of("count")
        wrong = client.run("backends", variables=good | {"LONGWIRE_TOKEN": "lw_0_wrong"})
        assert wrong.code == 1
        assert wrong.errors[0].startswith("error: UNAUTHENTICATED UNAUTHENTICATED: ")
        nobody = {name: good[name] for name in ("LONGWIRE_ADDRESS", "LONGWIRE_CA")}
        assert client.run("backends", variables=nobody).code == 1
        stranger = good | {"LONGWIRE_CA": str(other.write(tmp_path / "other.pem"))}
        refused = client.run("backends", variables=stranger)
        assert refused.code == 1
        assert any(line.startswith("error: UNAVAILABLE: ") for line in refused.errors), refused
        assert not refused.lines


@pytest.mark.parametrize(
    "arguments",
    [
        ("fly",),
        (),
        ("backends", "--fast"),
        ("run", "no/such/file.qasm"),
        ("watch",),
        ("--deadline", "soon", "backends"),
    ],
    ids=" ".join,
)
def test_command_line_that_is_wrong_is_told_what_to_write(
    client: Language, arguments: tuple[str, ...]
) -> None:
    outcome = client.run(*arguments)
    assert outcome.code == 2, outcome
    assert any(line.startswith("error: ") for line in outcome.errors), outcome
    assert not outcome.lines


def test_server_that_is_not_there_is_told(client: Language) -> None:
    outcome = client.run("backends", variables={"LONGWIRE_ADDRESS": "localhost:1"})
    assert outcome.code == 1
    assert outcome.errors[-1].startswith("error: UNAVAILABLE: ")


def test_client_that_is_interrupted_leaves_its_job(
    client: Language, here: dict[str, str], provider: RemoteProvider, program: Path, gate: Path
) -> None:
    arguments = ("run", str(program), "--backend", "gated", "--option", f"gate={gate}")
    with client.start(*arguments, variables=here) as process:
        lines = until_running(process)
        os.kill(process.pid, signal.SIGTERM)
        process.communicate(timeout=START_SECONDS)
    gate.touch()
    job = provider.job(lines[0].split()[1])
    assert job.result(timeout=START_SECONDS).success
