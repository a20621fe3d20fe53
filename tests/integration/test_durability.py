"""Durability "power": the disk has a job before its owner hears of it, as the kernel saw it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from circuits import bell
from server_process import ServerProcess

from longwire import RemoteProvider

CONFIG = """
[store]
durability = "power"

[[pool]]
name = "default"
processes = 1

[[backend]]
name = "aer_simulator"
"""
# Every payload is large: none is in the database.
ALL_IN_FILES = CONFIG.replace("[store]", "[store]\nfile_above_bytes = 0")
CALLS = "write,writev,pwrite64,pwritev,sendmsg,sendto,fsync,fdatasync"
# PID, and a system call or the end of one that was interrupted in the list.
LINE = re.compile(r"(?P<pid>\d+) +(?:<\.\.\. )?(?P<call>\w+)(?P<rest>.*)")


def strace(output: Path) -> list[str]:
    """Traces a command that follows, and all of its threads, from a grandchild of it."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed (Debian: apt install strace)")
    command = ["strace", "-D", "-f", "-qq", "-yy", "-s", "16384", "-e", "signal=none"]
    command += ["-e", f"trace={CALLS}", "-o", str(output)]
    tried = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"strace may not trace here: {tried.stderr.strip()}")
    return command


class Call(NamedTuple):
    """A system call in the order of the trace."""

    begin: int
    end: int
    name: str
    text: str


def calls_of(trace: str) -> list[Call]:
    """The system calls that came back, in the order in which they did."""
    calls: list[Call] = []
    begun: dict[str, tuple[int, str]] = {}
    for place, line in enumerate(trace.splitlines()):
        found = LINE.match(line)
        if found is None:
            continue
        pid, name, rest = found["pid"], found["call"], found["rest"]
        if rest.endswith("<unfinished ...>"):
            begun[pid] = place, rest
        else:
            begin, text = begun.pop(pid, (place, ""))
            calls.append(Call(begin, place, name, text + rest))
    return calls


def first(calls: list[Call], names: str, *parts: str, after: int = -1) -> Call:
    """The first call with one of the names and all of the parts that began after a place."""
    return next(
        call
        for call in calls
        if call.begin > after
        and call.name in names.split(",")
        and all(part in call.text for part in parts)
    )


def traced_jobs(tmp_path: Path, config: str, num_jobs: int) -> tuple[list[Call], list[str]]:
    """Runs jobs on a server under strace; its calls, and the ids of the jobs."""
    trace, config_path = tmp_path / "trace", tmp_path / "server.toml"
    config_path.write_text(config)
    server = ServerProcess(tmp_path / "data", ("--config", str(config_path)), prefix=strace(trace))
    try:
        with RemoteProvider(server.address) as provider:
            backend = provider.get_backend("aer_simulator")
            jobs = [backend.run(bell(), shots=10) for _ in range(num_jobs)]
            assert all(job.result(timeout=60).success for job in jobs)
    finally:
        server.terminate()
    return calls_of(trace.read_text()), [job.job_id() for job in jobs]


def test_job_is_synced_to_the_disk_before_it_is_acknowledged(tmp_path: Path) -> None:
    calls, job_ids = traced_jobs(tmp_path, CONFIG, 3)
    for job_id in job_ids:
        written = first(calls, "write,pwrite64", "longwire.db-wal", job_id)
        synced = first(calls, "fsync,fdatasync", "longwire.db-wal", "= 0", after=written.end)
        acknowledged = first(calls, "sendmsg,sendto,write,writev", "TCP", job_id)
        assert synced.end < acknowledged.begin


def test_large_payloads_are_synced_to_the_disk_before_their_job_is_written(tmp_path: Path) -> None:
    calls, (job_id,) = traced_jobs(tmp_path, ALL_IN_FILES, 1)
    committed = first(calls, "write,pwrite64", "longwire.db-wal", job_id)
    written = [
        (call, found[1])
        for call in calls
        if call.name == "write" and call.end < committed.begin
        if (found := re.search(r"/payloads/\w+/(\w+\.part)>", call.text))
        if "probe" not in call.text
    ]
    # The spec, with the circuit in it.
    ((call, name),) = written
    synced = first(calls, "fdatasync", name, "= 0", after=call.end)
    listed = first(calls, "fsync", "/payloads/", "= 0", after=synced.end)
    assert listed.end < committed.begin
