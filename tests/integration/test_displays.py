"""Jobs as they are shown: in notebooks, on terminals, in log files."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import circuits
import nbformat
import pytest
import scripted_jobs as scripted
from circuits import bell
from nbclient import NotebookClient
from qiskit import QuantumCircuit
from qiskit.visualization import plot_histogram
from scripted_jobs import ScriptedJobs
from server_process import START_SECONDS, configured_server, wait_until

from longwire import RemoteBackend, RemoteJob, RemoteProvider

MARKUP = "<script>alert('x')</script>&"


def run_behind(gate: Path, gated: RemoteBackend, **options: Any) -> RemoteJob:
    """A job that runs until the gate opens."""
    job = gated.run(bell(), shots=10, gate=str(gate), **options)
    wait_until(job.running)
    return job


def test_job_shows_what_is_known_of_it(gated: RemoteBackend, gate: Path) -> None:
    running = run_behind(gate, gated, job_name="a name", job_tags=["one", "two"])
    queued = gated.run(bell(), shots=10)
    html = running._repr_html_()
    for text in (running.job_id(), "gated", "RUNNING", "a name", "one, two", "Accepted", "Started"):
        assert text in html
    assert "Position in queue" not in html
    assert re.search("QUEUED.*Position in queue</th><td[^>]*>1<", queued._repr_html_())
    gate.touch()
    assert running.result().success
    html = running._repr_html_()
    assert "DONE" in html
    assert "Ended" in html


def test_failed_job_shows_why(aer: RemoteBackend) -> None:
    circuit = QuantumCircuit(1, name=MARKUP)
    circuit.t(0)
    circuit.measure_all()
    job = aer.run(circuit, method="stabilizer")
    job.wait_for_final_state()
    html = job._repr_html_()
    assert "ERROR" in html
    assert "&lt;script&gt;alert" in html
    assert "<script>" not in html


def test_names_and_tags_are_not_taken_for_markup(aer: RemoteBackend) -> None:
    job = aer.run(bell(), shots=10, job_name=MARKUP, job_tags=[MARKUP])
    html = job._repr_html_()
    assert "<script>" not in html
    assert html.count("&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;&amp;") == 2


def test_progress_of_a_running_job_is_shown() -> None:
    jobs = ScriptedJobs(scripted.job(progress={"finished": 2, "total": 5}), [])
    with scripted.serving(jobs) as address, RemoteProvider(address) as provider:
        html = provider.job(scripted.JOB_ID)._repr_html_()
    assert '<progress value="2" max="5"></progress> 2/5' in html


def test_job_whose_server_is_away_shows_what_was_known(tmp_path: Path) -> None:
    config = '[[backend]]\nname = "gated"\nfactory = "gated_backend:GatedBackend"\n'
    with configured_server(tmp_path, config) as server:
        provider = RemoteProvider(server.address)
        job = provider.get_backend("gated").run(bell(), shots=10, gate=str(tmp_path / "never"))
        wait_until(job.running)
    html = job._repr_html_()
    assert "RUNNING" in html
    # Which of the two it is depends on how soon the refused connection is noticed.
    away = "(No Longwire server answers|The server at .* did not answer in time)"
    assert re.search(f"Not up to date: {away}", html)
    provider.close()
    assert "Not up to date: The connection was closed" in job._repr_html_()


def test_job_whose_server_does_not_answer_is_shown_all_the_same(gated: RemoteBackend) -> None:
    job = gated.run(bell(), shots=10)
    with socket.create_server(("localhost", 0)) as silent:
        address = f"localhost:{silent.getsockname()[1]}"
        # An hour, in place of the limit that displays have.
        with RemoteProvider(address, timeout_seconds=3600) as provider:
            lost = RemoteJob(None, job._record.message, provider._job_calls)
            assert "Not up to date" in lost._repr_html_()


def test_result_is_drawn_as_a_histogram(aer: RemoteBackend) -> None:
    figure = plot_histogram(aer.run(bell(), shots=100).result().get_counts())
    labels = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert labels == ["00", "11"]


SHOW_PROGRESS = """
import sys
from longwire import RemoteProvider
job = RemoteProvider(sys.argv[1]).job(sys.argv[2])
print(sum(job.result(progress=True).get_counts().values()))
"""


@pytest.fixture
def python_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that are started find this directory's modules."""
    monkeypatch.setenv("PYTHONPATH", str(Path(circuits.__file__).parent))


def read_until(terminal: int, wanted: str) -> str:
    """What is written to a terminal, up to a text."""
    written = ""
    while wanted not in written:
        ready, _, _ = select.select([terminal], [], [], START_SECONDS)
        assert ready, f"{wanted!r} does not come after {written!r}"
        written += os.read(terminal, 1000).decode()
    return written


def test_progress_is_a_line_of_the_terminal_that_is_kept_up_to_date(
    gated: RemoteBackend, gate: Path
) -> None:
    run_behind(gate, gated)
    job = gated.run(bell(), shots=10)
    terminal, end = pty.openpty()
    command = [sys.executable, "-c", SHOW_PROGRESS, gated.provider().address, job.job_id()]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=end, env=environment) as client:
        os.close(end)
        read_until(terminal, "position 1")
        # The time goes on without news.
        read_until(terminal, "2.")
        gate.touch()
        read_until(terminal, "DONE")
        output, _ = client.communicate(timeout=START_SECONDS)
    os.close(terminal)
    assert (output, client.returncode) == (b"10\n", 0)


def test_progress_is_a_line_for_each_change_where_there_is_no_terminal(
    gated: RemoteBackend, gate: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_behind(gate, gated)
    job = gated.run(bell(), shots=10)
    wait_until(lambda: job.queue_position() == 1)
    gate.touch()
    job.wait_for_final_state(progress=True)
    captured = capsys.readouterr()
    lines = [line.split("  ", 1)[1] for line in captured.err.splitlines()]
    assert captured.out == ""
    assert lines == ["QUEUED  position 1", "VALIDATING", "RUNNING", "DONE"]


def test_progress_with_finished_pubs_tells_how_many(capsys: pytest.CaptureFixture[str]) -> None:
    jobs = ScriptedJobs(
        scripted.job(),
        [scripted.progressed(1, 3), scripted.progressed(2, 3), scripted.finished("CANCELLED")],
    )
    with scripted.serving(jobs) as address, RemoteProvider(address) as provider:
        provider.job(scripted.JOB_ID).wait_for_final_state(progress=True)
    lines = [line.split("  ", 1)[1] for line in capsys.readouterr().err.splitlines()]
    assert lines == ["RUNNING", "RUNNING  1/3", "RUNNING  2/3", "CANCELLED"]


def test_progress_of_an_awaited_result_is_shown(
    aer: RemoteBackend, capsys: pytest.CaptureFixture[str]
) -> None:
    job = aer.run(bell(), shots=10)
    assert asyncio.run(job.result_async(progress=True)).success
    assert capsys.readouterr().err.splitlines()[-1].endswith("DONE")


@pytest.fixture
def executed(gated: RemoteBackend, python_path: None) -> Any:
    """Executes cells in a kernel, with ``service`` and the path of a gate in it."""

    def execute(*cells: str, gate: Path) -> list[Any]:
        opening = (
            "import threading, pathlib\n"
            "from circuits import bell\n"
            "from longwire import RemoteProvider\n"
            f"provider = RemoteProvider({gated.provider().address!r})\n"
            "gated = provider.get_backend('gated')\n"
            f"gate = pathlib.Path({str(gate)!r})\n"
            "job = gated.run(bell(), shots=10, gate=str(gate))"
        )
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in (opening, *cells)]
        )
        NotebookClient(notebook, timeout=START_SECONDS).execute()
        return [cell.outputs for cell in notebook.cells[1:]]

    return execute


def shown(outputs: list[Any]) -> Iterator[str]:
    """The HTML of a cell's outputs."""
    for output in outputs:
        if output.output_type in ("display_data", "execute_result"):
            yield output.data.get("text/html", "")


def test_live_display_in_a_notebook_is_kept_up_to_date_until_the_end(
    executed: Any, gate: Path
) -> None:
    displayed, checked, ended, _ = executed(
        "live = job.live()\nlive",
        "assert not live.wait(0)\nfrom qiskit.providers import JobStatus",
        "gate.touch()\nassert live.wait(60)",
        "assert job.status() is JobStatus.DONE",
        gate=gate,
    )
    (html,) = shown(displayed)
    assert "DONE" in html
    assert "Ended" in html
    assert (checked, ended) == ([], [])


def test_live_display_that_was_stopped_stays_as_it_is(executed: Any, gate: Path) -> None:
    displayed, _ = executed(
        "live = job.live()",
        "live.stop()\nassert live.wait(60)\ngate.touch()\njob.wait_for_final_state()",
        gate=gate,
    )
    (html,) = shown(displayed)
    assert "DONE" not in html


def test_live_display_of_a_job_that_is_lost_says_so(executed: Any, gate: Path) -> None:
    displayed, _ = executed(
        "live = job.live()",
        "other = RemoteProvider(provider.address).job(job.job_id())\n"
        "provider.close()\nassert live.wait(60)",
        gate=gate,
    )
    (html,) = shown(displayed)
    assert "Not up to date" in html


def test_progress_in_a_notebook_is_a_display_that_is_kept_up_to_date(
    executed: Any, gate: Path
) -> None:
    outputs, awaited, static = executed(
        "threading.Timer(0.2, gate.touch).start()\n_ = job.result(progress=True)",
        "again = gated.run(bell(), shots=10)\n_ = await again.result_async(progress=True)",
        "job",
        gate=gate,
    )
    for cell in (outputs, awaited, static):
        (html,) = shown(cell)
        assert "DONE" in html
    assert not [output for output in outputs if output.output_type == "stream"]


def test_live_display_without_ipython_says_what_it_needs() -> None:
    script = (
        "import sys\n"
        "sys.modules['IPython'] = sys.modules['IPython.display'] = None\n"
        "from longwire.errors import LongwireError\n"
        "from longwire.following.live import JobPicture\n"
        "try:\n"
        "    JobPicture()\n"
        "except LongwireError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "needs IPython" in done.stdout
    assert "result(progress=True)" in done.stdout
