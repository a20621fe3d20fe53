"""What one tenant may ask for, by what the server can see without parsing a program."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Sequence

from longwire.v1.job_pb2 import JobSpec
from longwire.v1.program_pb2 import ParameterValues, Program, ProgramFormat
from longwire_server.accounts.quotas import Quotas
from longwire_server.accounts.tenants import Tenants
from longwire_server.jobs.array_shapes import num_elements
from longwire_server.jobs.job_rates import JobRates
from longwire_server.refusals import limit_exceeded, quota_exceeded

# QPY's header: its magic, its version and Qiskit's, the number of circuits.
_QPY_HEADER = struct.Struct("!6s4BQ")
# No tenant is called so.
_ALL_TENANTS = ""
# How long to wait for a job to end, where nobody knows.
_RETRY_SECONDS = 1.0


class QuotaAdmission:
    """Holds tenants to their quotas when they submit.

    Args:
        tenants: what each may ask for.
        num_unfinished: how many unfinished jobs a tenant has.
        jobs_per_second: how many jobs all of them may submit in a second together.
    """

    def __init__(
        self, tenants: Tenants, num_unfinished: Callable[[str], int], *, jobs_per_second: float
    ) -> None:
        self._tenants = tenants
        self._num_unfinished = num_unfinished
        self._jobs_per_second = jobs_per_second
        self._rates = JobRates()

    def of(self, tenant: str) -> Quotas:
        """What a tenant may ask for."""
        return self._tenants.quotas(tenant)

    def count_request(self, tenant: str) -> None:
        """Counts a request to submit a job.

        Raises:
            RequestRefusedError: there were too many in the last seconds.
        """
        rate, now = self._tenants.quotas(tenant).jobs_per_second, time.monotonic()
        wait_seconds = self._rates.take(tenant, rate, now)
        if wait_seconds:
            raise quota_exceeded(
                "jobs_per_second",
                rate,
                f"Jobs are submitted too fast: try again in {wait_seconds:.3g} s",
                retry_after_seconds=wait_seconds,
                passes=True,
            )
        # After that: a tenant that is too fast takes nothing of what there is for all.
        wait_seconds = self._rates.take(_ALL_TENANTS, self._jobs_per_second, now)
        if wait_seconds:
            raise limit_exceeded(
                "limits.jobs_per_second",
                self._jobs_per_second,
                f"Jobs of all tenants come too fast: try again in {wait_seconds:.3g} s",
                retry_after_seconds=wait_seconds,
                passes=True,
            )

    def admit_another(self, tenant: str) -> None:
        """Refuses one more job where the tenant has enough.

        Raises:
            RequestRefusedError: it has.
        """
        maximum = self._tenants.quotas(tenant).unfinished_jobs
        unfinished = self._num_unfinished(tenant)
        if unfinished >= maximum:
            raise quota_exceeded(
                "unfinished_jobs",
                maximum,
                f"{unfinished} jobs wait or run: try again when some have ended",
                retry_after_seconds=_RETRY_SECONDS,
            )


def check_counts(spec: JobSpec, quotas: Quotas) -> None:
    """Refuses a job that lists more for its circuits than its tenant may have circuits.

    It comes before all checks that go through them, which hold up other calls meanwhile.

    Args:
        spec: the request.
        quotas: what its tenant may ask for.

    Raises:
        RequestRefusedError: there are too many.
    """
    for field, number in (
        ("spec.program.payloads", len(spec.program.payloads)),
        ("spec.program.circuit_names", len(spec.program.circuit_names)),
        ("spec.program.circuit_metadata", len(spec.program.circuit_metadata)),
        ("spec.sampler.pubs", len(spec.sampler.pubs)),
        ("spec.estimator.pubs", len(spec.estimator.pubs)),
        ("spec.options.parameter_values", len(spec.options.parameter_values)),
    ):
        if number > quotas.circuits:
            raise quota_exceeded(
                "circuits",
                quotas.circuits,
                f"{field} has {number} entries, of which each is for a circuit: split them into "
                "several jobs",
            )


def check_program(
    spec: JobSpec, payload_heads: Sequence[bytes], size_bytes: int, quotas: Quotas
) -> None:
    """Refuses a program that is too large for its tenant.

    Args:
        spec: the request.
        payload_heads: the first bytes of each payload that it holds or names.
        size_bytes: bytes of all of them together.
        quotas: what its tenant may ask for.

    Raises:
        RequestRefusedError: it has too many bytes, circuits or shots.
    """
    if size_bytes > quotas.program_bytes:
        raise quota_exceeded(
            "program_bytes",
            quotas.program_bytes,
            f"The program has {size_bytes} bytes: split it into several jobs",
        )
    circuits = num_circuits(spec.program, payload_heads)
    if circuits is not None and circuits > quotas.circuits:
        raise quota_exceeded(
            "circuits",
            quotas.circuits,
            f"The program has {circuits} circuits: split it into several jobs",
        )
    shots = stated_shots(spec, circuits or 1)
    if shots > quotas.shots:
        raise quota_exceeded(
            "shots",
            quotas.shots,
            f"The job asks for {shots} shots of all its circuits together: ask for fewer, or "
            "split it into several jobs",
        )


def num_circuits(program: Program, payload_heads: Sequence[bytes]) -> int | None:
    """How many circuits a program says that it has; None where only a parser can tell."""
    match program.format:
        case ProgramFormat.PROGRAM_FORMAT_OPENQASM3 | ProgramFormat.PROGRAM_FORMAT_OPENQASM2:
            return len(payload_heads)
        case ProgramFormat.PROGRAM_FORMAT_QPY:
            whole = [head for head in payload_heads if len(head) >= _QPY_HEADER.size]
            counts: list[int] = [_QPY_HEADER.unpack_from(head)[-1] for head in whole]
            return sum(counts)
    return None


def stated_shots(spec: JobSpec, circuits: int) -> int:
    """The shots of all circuits together that a job asks for, as far as it states them.

    Args:
        spec: the job.
        circuits: how many circuits its program has at least.
    """
    match spec.WhichOneof("primitive"):
        case "sampler":
            default = spec.sampler.options.default_shots
            return sum(
                (pub.shots if pub.HasField("shots") else default)
                * _num_points(pub.parameter_values)
                for pub in spec.sampler.pubs
            )
        case "estimator":
            # Of a precision only the estimator knows how many shots it takes.
            return 0
    sweeps = spec.options.parameter_values
    return spec.options.shots * (sum(map(_num_points, sweeps)) if sweeps else circuits)


def _num_points(values: ParameterValues) -> int:
    return num_elements(values.values.shape[:-1])
