"""What a user would write instead: FastAPI, QPY in, counts out, Aer in a thread."""

from __future__ import annotations

import io
import socket

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from qiskit import qpy
from qiskit_aer import AerSimulator

app = FastAPI()
simulator = AerSimulator()


def run(payload: bytes, shots: int) -> dict[str, int]:
    (circuit,) = qpy.load(io.BytesIO(payload))
    counts: dict[str, int] = simulator.run(circuit, shots=shots).result().get_counts()
    return counts


@app.post("/run")
async def run_circuit(request: Request, shots: int = 1024) -> dict[str, int]:
    return await run_in_threadpool(run, await request.body(), shots)


@app.get("/status")
async def status() -> Response:
    return Response("ok")


if __name__ == "__main__":
    listener = socket.create_server(("localhost", 0))
    print(f"listening on localhost:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(app, log_level="error", access_log=False)
    uvicorn.Server(config).run(sockets=[listener])
