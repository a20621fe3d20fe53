"""Listings of more jobs than a page holds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import CommandLine
from server_process import running_server
from stored_jobs import DONE, ERROR, make_job, with_open

from longwire import RemoteProvider, RemoteService
from longwire.transport.connection import Connection
from longwire.transport.job_calls import JobCalls
from longwire.v1.job_service_pb2 import ListJobsRequest
from longwire_server.accounts.caller import DEFAULT_TENANT
from longwire_server.store.job_store import JobStore
from longwire_server.store.sql_job_store import SqlJobStore

# More than two of the largest pages.
JOBS = 2345
PAGE = 1000
# The jobs of a server, by what they have: every so many.
RARE, NAMED, FAILED = 500, 700, 900


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that finds many jobs in its store."""
    data_dir = tmp_path_factory.mktemp("many")

    async def fill(store: JobStore) -> None:
        jobs = (
            make_job(
                number,
                tenant=DEFAULT_TENANT,
                name="named" if number % NAMED == 0 else "",
                tags=("all", "rare") if number % RARE == 0 else ("all",),
                state=ERROR if number % FAILED == 0 else DONE,
                end_time_us=make_job(number).create_time_us + 1,
            )
            for number in range(JOBS)
        )
        await asyncio.gather(*(store.add(job, b"") for job in jobs))

    asyncio.run(with_open(SqlJobStore(f"sqlite:///{data_dir}/longwire.db"), fill))
    config = data_dir / "longwire-server.toml"
    config.write_text("[retention]\nresults_days = 36500\njobs_days = 36500\n")
    with running_server(data_dir, "--config", str(config)) as server:
        yield server.address


def ids(numbers: range) -> list[str]:
    """The ids of jobs, the newest first."""
    return [make_job(number).job_id for number in reversed(numbers)]


def test_all_jobs_are_listed_once_and_in_order(address: str) -> None:
    everything = ids(range(JOBS))
    with RemoteProvider(address) as provider, RemoteService(address) as service:
        assert [job.job_id() for job in provider.jobs(None)] == everything
        assert [job.job_id() for job in service.jobs(None)] == everything
        assert [job.job_id() for job in service.jobs(50, skip=1990)] == everything[1990:2040]
        assert [job.job_id() for job in provider.jobs(PAGE + 1)] == everything[: PAGE + 1]
        assert [job.job_id() for job in provider.jobs()] == everything[:10]


def test_filters_find_few_jobs_among_many(address: str) -> None:
    rare = ids(range(0, JOBS, RARE))
    with RemoteProvider(address) as provider, RemoteService(address) as service:
        assert [job.job_id() for job in provider.jobs(None, tag="rare")] == rare
        assert [job.job_id() for job in service.jobs(None, job_tags=["all", "rare"])] == rare
        named = ids(range(0, JOBS, NAMED))
        assert [job.job_id() for job in provider.jobs(None, name="named")] == named
        failed = ids(range(0, JOBS, FAILED))
        assert [job.job_id() for job in provider.jobs(None, status="ERROR")] == failed
        assert provider.jobs(None, backend_name="another") == []


def test_next_page_is_asked_for_when_it_is_needed(address: str) -> None:
    connection = Connection(address)
    jobs = JobCalls(connection).list_jobs(request := ListJobsRequest(), None)
    tokens = set()
    for number, job in enumerate(jobs):
        assert job.job_id == make_job(JOBS - 1 - number).job_id
        tokens.add(request.page_token)
        assert len(tokens) == number // PAGE + 1
    assert len(tokens) == JOBS // PAGE + 1
    connection.close()


def test_command_lists_as_many_as_asked_for(address: str, tmp_path: Path) -> None:
    longwire = CommandLine(address, tmp_path)
    everything = ids(range(JOBS))
    for words, number in (((), 20), (("--limit", str(PAGE)), PAGE), (("--all",), JOBS)):
        document = longwire.json("jobs", *words)
        assert [job["job_id"] for job in document["jobs"]] == everything[:number]
        assert document["has_more"] is (number < JOBS)
    header, *rows = longwire("jobs", "--all").stdout.splitlines()
    assert header.split() == ["ID", "STATE", "KIND", "CREATED", "BACKEND", "NAME"]
    assert [row.split()[0] for row in rows] == everything
    longwire.close()
