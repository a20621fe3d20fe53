"""Calls as JSON over HTTP, as curl makes them."""

from __future__ import annotations

import base64
import http.client
import json
import re
import ssl
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from server_process import START_SECONDS, ServerProcess, wait_until

_HTTP = re.compile(r"answering HTTP at (\S+)")


def http_url(server: ServerProcess) -> str:
    """Where a server with ``[http]`` answers HTTP, once it does."""
    wait_until(lambda: _HTTP.search(server.log()))
    return _HTTP.findall(server.log())[-1]


class HttpCalls:
    """Calls to one server, each on a connection of its own.

    Args:
        url: the server's, ``http://HOST:PORT``.
        token: shown with every call.
        headers: sent with every call.
        tls: how a server with TLS is checked.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.url = url
        # The connection ends with its response then.
        own = {"content-type": "application/json", "connection": "close"}
        self._headers = {**own, **(headers or {})}
        if token is not None:
            self._headers["authorization"] = f"Bearer {token}"
        self._tls = tls

    def connection(self) -> http.client.HTTPConnection:
        """A new connection."""
        place = urlsplit(self.url).netloc
        if self.url.startswith("https:"):
            return http.client.HTTPSConnection(place, timeout=START_SECONDS, context=self._tls)
        return http.client.HTTPConnection(place, timeout=START_SECONDS)

    def send(
        self, method: str, request: Mapping[str, Any] | bytes, **headers: str
    ) -> http.client.HTTPResponse:
        """Sends a request, and returns the response when its head has come.

        Args:
            method: ``SERVICE/METHOD`` of longwire.v1.
            request: the message, or the body as it is to be sent.
            headers: more of them.
        """
        body = request if isinstance(request, bytes) else json.dumps(request).encode()
        connection = self.connection()
        try:
            connection.request("POST", f"/longwire.v1.{method}", body, {**self._headers, **headers})
            return connection.getresponse()
        except OSError:
            connection.close()
            raise

    def call(self, method: str, request: Mapping[str, Any] | bytes, **headers: str) -> Any:
        """The status of HTTP, and the message that it comes with."""
        response = self.send(method, request, **headers)
        return response.status, json.loads(response.read())

    def events(self, method: str, request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The events of a job, as they come."""
        response = self.send(method, request)
        assert response.status == 200, response.read()
        while line := response.readline():
            yield from json.loads(line)["events"]


def json_spec(text: str, backend_name: str = "aer_simulator", **options: Any) -> dict[str, Any]:
    """A job with one circuit in OpenQASM 3."""
    return {
        "backend_name": backend_name,
        "program": {
            "format": "PROGRAM_FORMAT_OPENQASM3",
            "payloads": [base64.b64encode(text.encode()).decode()],
        },
        "options": {"counts_format": "COUNTS_FORMAT_BITSTRINGS", **options},
    }
