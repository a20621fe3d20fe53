"""The choice of a backend, and what is refused before anything is sent."""

from __future__ import annotations

import pytest

from longwire.cli.command_error import CommandError, ExitCode
from longwire.cli.request import Transpilation, choose_backend, find_backend, job_spec
from longwire.errors import InvalidOptionError, LimitExceededError
from longwire.v1.backend_pb2 import Backend
from longwire.v1.backend_status_pb2 import BackendStatus
from longwire.v1.program_pb2 import (
    Program,
    ProgramFormat,
    ProgramFormatSupport,
    TranspileOptions,
)

QASM3 = Program(format=ProgramFormat.PROGRAM_FORMAT_OPENQASM3, payloads=[b"OPENQASM 3.0;"])
QOBJ = Program(format=ProgramFormat.PROGRAM_FORMAT_QOBJ, payloads=[b"{}"])


def backend(
    name: str,
    *,
    operational: bool = True,
    simulator: bool = True,
    pending_jobs: int = 0,
    status_msg: str = "",
    paused: bool = False,
) -> Backend:
    return Backend(
        name=name,
        paused=paused,
        simulator=simulator,
        status=BackendStatus(
            backend_name=name,
            operational=operational,
            pending_jobs=pending_jobs,
            status_msg=status_msg,
        ),
        option_names=["method", "noise_model"],
        max_program_bytes=100,
        accepted_programs=[
            ProgramFormatSupport(format=ProgramFormat.PROGRAM_FORMAT_OPENQASM3),
            ProgramFormatSupport(
                format=ProgramFormat.PROGRAM_FORMAT_QPY, min_version=13, max_version=17
            ),
        ],
    )


def test_backend_not_named_is_the_one_for_which_the_fewest_wait_and_not_a_paused_one() -> None:
    listed = [
        backend("paused", paused=True),
        backend("device", simulator=False),
        backend("busy", pending_jobs=3),
        backend("first", pending_jobs=1, status_msg="slow today"),
        backend("second", pending_jobs=1),
    ]
    assert choose_backend(listed).name == "first"


def test_backend_not_named_where_all_are_paused_is_refused_in_words() -> None:
    listed = [backend("paused", paused=True), backend("b", operational=False)]
    with pytest.raises(CommandError, match="is paused; --backend NAME") as caught:
        choose_backend(listed)
    assert caught.value.reason == "BACKEND_NOT_OPERATIONAL"


def test_backend_not_named_is_the_first_operational_simulator() -> None:
    listed = [
        backend("device", simulator=False),
        backend("broken", operational=False),
        backend("first"),
        backend("second"),
    ]
    assert choose_backend(listed).name == "first"


def test_backend_not_named_where_no_simulator_runs_is_the_first_operational_one() -> None:
    listed = [backend("broken", operational=False), backend("device", simulator=False)]
    assert choose_backend(listed).name == "device"


@pytest.mark.parametrize("listed", [[], [backend("broken", operational=False)]])
def test_backend_not_named_where_none_is_operational_is_refused(listed: list[Backend]) -> None:
    with pytest.raises(CommandError) as caught:
        choose_backend(listed)
    assert caught.value.reason == "BACKEND_NOT_OPERATIONAL"


def test_unknown_backend_is_refused_with_the_nearest_names() -> None:
    listed = [backend("aer_simulator"), backend("fake_sherbrooke", simulator=False)]
    with pytest.raises(CommandError, match=r"did you mean fake_sherbrooke\?") as caught:
        find_backend(listed, "fake_sherbroke")
    assert caught.value.reason == "BACKEND_NOT_FOUND"
    with pytest.raises(CommandError, match="hosts aer_simulator, fake_sherbrooke"):
        find_backend(listed, "x")


def test_job_carries_backend_program_and_options() -> None:
    spec = job_spec(QASM3, backend("aer"), {"shots": 7, "method": "statevector"})
    assert spec.backend_name == "aer"
    assert spec.program == QASM3
    assert spec.options.shots == 7
    (option,) = spec.options.backend_options.fields
    assert (option.name, option.value.string_value) == ("method", "statevector")


def test_unknown_option_is_refused_with_the_nearest_names() -> None:
    with pytest.raises(InvalidOptionError, match=r"did you mean method\?") as caught:
        job_spec(QASM3, backend("aer"), {"metod": 1})
    assert caught.value.reason == "OPTION_INVALID"
    with pytest.raises(InvalidOptionError, match="it has method, noise_model"):
        job_spec(QASM3, backend("aer"), {"xyz": 1})


@pytest.mark.parametrize("version", [12, 18])
def test_qpy_version_outside_of_the_backends_range_is_refused(version: int) -> None:
    program = Program(
        format=ProgramFormat.PROGRAM_FORMAT_QPY, payloads=[b"QISKIT"], qpy_version=version
    )
    with pytest.raises(CommandError, match=r"reads 13 to 17: .*version=17") as caught:
        job_spec(program, backend("aer"), {})
    assert caught.value.reason == "PROGRAM_FORMAT_UNSUPPORTED"


def test_format_that_the_backend_does_not_take_is_refused() -> None:
    with pytest.raises(CommandError, match="does not take Qobj: it takes OpenQASM 3, QPY"):
        job_spec(QOBJ, backend("aer"), {})


def test_program_above_the_servers_limit_is_refused_with_the_limit() -> None:
    program = Program(format=ProgramFormat.PROGRAM_FORMAT_OPENQASM3, payloads=[b"x" * 60] * 2)
    with pytest.raises(LimitExceededError, match=r"120 bytes; the server's limit is 100") as caught:
        job_spec(program, backend("aer"), {})
    assert caught.value.reason == "LIMIT_EXCEEDED"


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        pytest.param(Transpilation(), TranspileOptions(only_where_needed=True), id="nothing"),
        pytest.param(Transpilation(True), TranspileOptions(), id="wanted"),
        pytest.param(Transpilation(False), None, id="not wanted"),
        pytest.param(
            Transpilation(optimization_level=0), TranspileOptions(optimization_level=0), id="level"
        ),
        pytest.param(
            Transpilation(seed=7),
            TranspileOptions(only_where_needed=True, seed_transpiler=7),
            id="seed",
        ),
        pytest.param(
            Transpilation(True, 3, 0),
            TranspileOptions(optimization_level=3, seed_transpiler=0),
            id="everything",
        ),
    ],
)
def test_job_asks_for_the_transpiling_that_the_user_wants(
    said: Transpilation, asked: TranspileOptions | None
) -> None:
    spec = job_spec(QASM3, backend("aer"), {}, said)
    assert (spec.transpile if spec.HasField("transpile") else None) == asked


def test_qobj_is_transpiled_only_where_the_user_says_so() -> None:
    assert Transpilation().options_for(QOBJ) is None
    assert Transpilation(True).options_for(QOBJ) == TranspileOptions()
    assert Transpilation(optimization_level=1).options_for(QOBJ) is not None


@pytest.mark.parametrize(
    "said", [Transpilation(False, optimization_level=1), Transpilation(False, seed=1)]
)
def test_how_to_transpile_what_is_not_to_be_transpiled_is_refused(said: Transpilation) -> None:
    with pytest.raises(CommandError, match="--no-transpile contradicts") as caught:
        job_spec(QASM3, backend("aer"), {}, said)
    assert caught.value.exit_code == ExitCode.USAGE
