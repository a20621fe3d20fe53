"""From files and options to the request of a job, checked against the backend first."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from longwire.cli.command_error import CommandError, ExitCode
from longwire.codecs.run_options import run_options_to_proto
from longwire.submission import check_spec
from longwire.v1.backend_pb2 import Backend
from longwire.v1.job_pb2 import JobSpec
from longwire.v1.program_pb2 import Program, ProgramFormat, TranspileOptions

FORMAT_NAMES = {
    ProgramFormat.PROGRAM_FORMAT_QPY: "QPY",
    ProgramFormat.PROGRAM_FORMAT_OPENQASM3: "OpenQASM 3",
    ProgramFormat.PROGRAM_FORMAT_OPENQASM2: "OpenQASM 2",
    ProgramFormat.PROGRAM_FORMAT_QOBJ: "Qobj",
}


def find_backend(backends: Sequence[Backend], name: str) -> Backend:
    """The backend of this name.

    Raises:
        CommandError: there is none; the message gives the nearest names.
    """
    for backend in backends:
        if backend.name == name:
            return backend
    hosted = [backend.name for backend in backends]
    near = difflib.get_close_matches(name, hosted, n=3, cutoff=0.5)
    hint = (
        f"did you mean {' or '.join(near)}?"
        if near
        else f"the server hosts {', '.join(hosted) or 'none'}"
    )
    raise CommandError("BACKEND_NOT_FOUND", f"No backend is named '{name}'; {hint}")


def choose_backend(backends: Sequence[Backend]) -> Backend:
    """The backend for a user who names none: the least busy simulator, or else backend.

    It is operational and not paused, the fewest jobs wait for it, and it is the first
    of several such.

    Raises:
        CommandError: none is operational, or all of those are paused.
    """
    operational = [backend for backend in backends if backend.status.operational]
    ready = [backend for backend in operational if not backend.paused]
    if ready:
        return min(ready, key=lambda each: (not each.simulator, each.status.pending_jobs))
    if operational:
        raise CommandError(
            "BACKEND_NOT_OPERATIONAL",
            "Every backend of the server that works is paused; --backend NAME has a job wait for "
            "one, and 'longwire status' shows why they are",
        )
    raise CommandError(
        "BACKEND_NOT_OPERATIONAL",
        "The server has no operational backend; 'longwire status' shows the reasons"
        if backends
        else "The server hosts no backend",
    )


@dataclass(frozen=True)
class Transpilation:
    """What the user says of transpiling on the server.

    Attributes:
        wanted: True for all circuits, False for none, None where nothing is said.
        optimization_level: Qiskit's, 0 to 3; None where nothing is said.
        seed: of the transpiler; None where nothing is said.
    """

    wanted: bool | None = None
    optimization_level: int | None = None
    seed: int | None = None

    def options_for(self, program: Program) -> TranspileOptions | None:
        """What to ask of the server; None where it is not to transpile.

        Where nothing is said, circuits that the backend can run stay as they are. An
        optimisation level is asked for with all circuits in mind. A Qobj was compiled
        for its backend already, so it is transpiled on demand alone.

        Raises:
            CommandError: an option says how, and another that it is not to be done.
        """
        says_how = self.optimization_level is not None or self.seed is not None
        if self.wanted is False:
            if says_how:
                raise CommandError(
                    "USAGE",
                    "--no-transpile contradicts --optimization-level and --seed-transpiler: "
                    "leave one out",
                    ExitCode.USAGE,
                )
            return None
        if program.format == ProgramFormat.PROGRAM_FORMAT_QOBJ and not (self.wanted or says_how):
            return None
        return TranspileOptions(
            only_where_needed=not self.wanted and self.optimization_level is None,
            optimization_level=self.optimization_level,
            seed_transpiler=self.seed,
        )


def job_spec(
    program: Program,
    backend: Backend,
    options: dict[str, Any],
    transpilation: Transpilation | None = None,
) -> JobSpec:
    """The job to submit.

    Args:
        program: the circuits.
        backend: where they are to run.
        options: how, by name: ``shots``, ``memory``, ``seed_simulator``, and the
            backend's own.
        transpilation: what the user says of transpiling; None for nothing.

    Raises:
        CommandError: the backend does not take the program's format, or what is
            said of transpiling contradicts itself.
        InvalidOptionError: the backend has no such option, or its value is wrong.
        LimitExceededError: the program is larger than the server takes.
    """
    run_options = run_options_to_proto(**options)
    _check_format(program, backend)
    spec = JobSpec(
        backend_name=backend.name,
        program=program,
        options=run_options,
        transpile=(transpilation or Transpilation()).options_for(program),
    )
    check_spec(spec, backend)
    return spec


def _check_format(program: Program, backend: Backend) -> None:
    format_name = FORMAT_NAMES[program.format]
    support = {accepted.format: accepted for accepted in backend.accepted_programs}
    if support and program.format not in support:
        names = ", ".join(FORMAT_NAMES.get(known, "others") for known in support)
        raise CommandError(
            "PROGRAM_FORMAT_UNSUPPORTED",
            f"Backend '{backend.name}' does not take {format_name}: it takes {names}",
        )
    if program.format == ProgramFormat.PROGRAM_FORMAT_QPY and support:
        accepted = support[program.format]
        if not accepted.min_version <= program.qpy_version <= accepted.max_version:
            raise CommandError(
                "PROGRAM_FORMAT_UNSUPPORTED",
                f"The file is QPY version {program.qpy_version}; backend '{backend.name}' reads "
                f"{accepted.min_version} to {accepted.max_version}: write it again with "
                f"qiskit.qpy.dump(circuits, file, version={accepted.max_version})",
            )
