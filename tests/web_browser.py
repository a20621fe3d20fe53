"""A web page from an origin of its own, in a Chromium that nobody sees."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from language_clients import Language, which
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait
from server_process import START_SECONDS

PAGE = Language(
    "the browser",
    "browser",
    {
        "node": "Node.js, version 20 or newer",
        "npm": "the same",
        "chromium": "a browser",
        "chromedriver": "what steers it",
    },
    build=[["npm", "ci", "--no-audit", "--no-fund"], ["npm", "run", "build"]],
    circuits=[],
    conformance=[],
    checks=[["npm", "run", "lint"]],
)
# It has neither a display nor a user, and asks nothing of the network by itself. As root it
# has no sandbox, and in a container little shared memory.
_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--window-size=1000,1200",
)


class _QuietHandler(SimpleHTTPRequestHandler):
    """Files, without a word about each."""

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@contextlib.contextmanager
def served_files(folder: Path) -> Iterator[str]:
    """The origin at which the files of a folder are served."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_QuietHandler, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def chromium(*arguments: str) -> Iterator[webdriver.Chrome]:
    """A browser that has never been used."""
    profile = tempfile.mkdtemp()
    options = webdriver.ChromeOptions()
    options.binary_location = which("chromium") or ""
    for argument in (*_ARGUMENTS, f"--user-data-dir={profile}", *arguments):
        options.add_argument(argument)
    driver = webdriver.Chrome(options, Service(which("chromedriver")))
    try:
        yield driver
    finally:
        driver.quit()
        # Processes of the browser may write there for a moment longer.
        shutil.rmtree(profile, ignore_errors=True)


class Page:
    """What a user does on the page of ``examples/browser``, and sees there."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, origin: str, server: str, token: str = "") -> None:
        """Opens the page with a server's address, and a token, in its own."""
        query = {"server": server, **({"token": token} if token else {})}
        self.driver.get(f"{origin}/?{urlencode(query)}")

    def run(self, program: str, backend: str, shots: int, seed: int) -> None:
        """Fills the form in, and submits it."""
        fields = {"program": program, "backend": backend, "shots": shots, "seed": seed}
        for name, value in fields.items():
            element = self.element(name)
            element.clear()
            element.send_keys(str(value))
        self.element("run").click()

    def cancel(self) -> None:
        """Asks for the end of the job, once that can be asked for."""
        self.until(self.element("cancel").is_enabled)
        self.element("cancel").click()

    def backends(self) -> list[str]:
        """The names in the table of backends."""
        return self._of_each("tr[data-backend]", "element.dataset.backend")

    def job_id(self) -> str:
        """The id of the job."""
        return self.element("job").text

    def states(self) -> list[str]:
        """The states that were told."""
        return self._of_each("#states li", "element.textContent")

    def counts(self) -> dict[str, int]:
        """How often each outcome was seen; empty where no counts are shown."""
        pair = "[element.dataset.outcome, element.dataset.count]"
        pairs = self._of_each("#counts tr[data-outcome]", pair)
        return {outcome: int(count) for outcome, count in pairs}

    def alert(self) -> list[str]:
        """The lines of what went wrong; empty where nothing did."""
        return self._of_each("[role=alert] :is(p, li)", "element.textContent")

    def calls(self) -> list[str]:
        """The methods that the page has called since it was opened."""
        urls: list[str] = self.driver.execute_script(
            "return performance.getEntriesByType('resource').map(({ name }) => name)"
        )
        return [url.rpartition("/")[2] for url in urls if "/longwire.v1." in url]

    def element(self, name: str) -> WebElement:
        """The element with an id."""
        return self.driver.find_element(By.ID, name)

    def until(self, condition: Callable[[], Any]) -> None:
        """Waits until something is so."""

        def holds(_: webdriver.Chrome) -> bool:
            return bool(condition())

        WebDriverWait(self.driver, START_SECONDS, poll_frequency=0.05).until(
            holds, f"states {self.states()}, alert {self.alert()}"
        )

    def until_state(self, name: str) -> None:
        """Waits until a state is the last one told."""
        self.until(lambda: self.states()[-1:] == [name])

    def _of_each(self, selector: str, value: str) -> list[Any]:
        """What each element says, all at one moment: the page may change at any other."""
        script = f"return [...document.querySelectorAll(arguments[0])].map((element) => {value})"
        found: list[Any] = self.driver.execute_script(script, selector)
        return found
