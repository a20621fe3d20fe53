"""The same rates from somebody else's generator: ghz, or h2load, where one is installed.

ghz measures from when it sends, and so does not see what waits before; at rates that a
server can do the figures of both should be near each other.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from figures import Ratio, environment, finish, ratio
from hosting import BACKEND, Hosted, hosted
from plan import Client, Plan, generate

from longwire.v1.backend_service_pb2 import GetBackendStatusRequest

PROTOS = Path(__file__).parents[2] / "protos"
# What a plan calls a call, the RPC, and how many a second.
CALLS = (
    ("status", "longwire.v1.BackendService/GetBackendStatus", 200),
    ("submit", "longwire.v1.JobService/SubmitJob", 50),
    ("run", "longwire.v1.JobService/RunJob", 50),
)
# Percentiles that ghz reports, under our names.
_PERCENTILES = {50: "p50_ms", 90: "p90_ms", 99: "p99_ms"}
# ghz sends from so many workers at most.
_CONCURRENCY = 20


def descriptors(folder: Path) -> Path:
    """The protos as one file: parsers of .proto files in older ghz know no ``optional``."""
    path = folder / "longwire.protoset"
    command = [sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={PROTOS}"]
    command += [f"--descriptor_set_out={path}", "--include_imports"]
    command += sorted(str(proto) for proto in PROTOS.glob("longwire/v1/*_service.proto"))
    subprocess.run(command, check=True, timeout=60)
    return path


def by_ghz(
    ghz: str, server: Hosted, rpc: str, request: str, rate: int, seconds: float
) -> dict[str, Any]:
    """What ghz says of so many calls a second over one connection."""
    command = [ghz, "--insecure", "--call", rpc, "--binary-file", request]
    command += ["--protoset", str(descriptors(server.folder))]
    command += ["--rps", str(rate), "--total", str(int(rate * seconds))]
    command += ["--concurrency", str(_CONCURRENCY), "--format", "json", server.server.address]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, check=True, text=True, timeout=seconds + 120
    )
    told: dict[str, Any] = json.loads(done.stdout)
    percentiles = {
        _PERCENTILES[each["percentage"]]: round(each["latency"] / 1e6, 3)
        for each in told["latencyDistribution"] or []
        if each["percentage"] in _PERCENTILES
    }
    return {
        "calls": told["count"],
        **percentiles,
        "max_ms": round(told["slowest"] / 1e6, 3),
        "calls_per_second": round(told["rps"], 2),
        "statuses": told["statusCodeDistribution"],
    }


def by_h2load(h2load: str, server: Hosted, rpc: str, request: str, calls: int) -> dict[str, Any]:
    """What h2load says, which sends as fast as it is answered and reads no status of gRPC."""
    payload = Path(request).read_bytes()
    frame = server.folder / "frame.bin"
    frame.write_bytes(b"\0" + len(payload).to_bytes(4, "big") + payload)
    command = [h2load, "--requests", str(calls), "--clients", "1", "--max-concurrent-streams", "4"]
    command += ["--header", "content-type: application/grpc", "--header", "te: trailers"]
    command += ["--data", str(frame), f"http://{server.server.address}/{rpc}"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, timeout=300)
    return {"output": done.stdout.splitlines()[-12:]}


def measure(seconds: float) -> dict[str, Any]:
    """Every call by both, one after the other, on the same server."""
    ghz = os.environ.get("GHZ") or shutil.which("ghz")
    h2load = shutil.which("h2load")
    figures: dict[str, Any] = {"witness": "ghz" if ghz else "h2load" if h2load else "absent"}
    with hosted() as server:
        status = server.folder / "status.pb"
        status.write_bytes(GetBackendStatusRequest(backend_name=BACKEND).SerializeToString())
        for call, rpc, rate in CALLS:
            requests = [str(status)] if call == "status" else server.requests("bell")
            plan = Plan(
                server.server.address,
                requests,
                [Client("all", 1.0)],
                seconds + 1,
                call=call,
                rate=rate,
                arrivals="uniform",
            )
            ours = generate(plan)["groups"]["all"]
            figures[call] = {
                "rate_per_second": rate,
                "ours": ours["done"] | {"statuses": ours["statuses"]},
            }
            if ghz:
                theirs = by_ghz(ghz, server, rpc, requests[0], rate, seconds)
                figures[call]["ghz"] = theirs
            elif h2load:
                calls = int(rate * seconds)
                figures[call]["h2load"] = by_h2load(h2load, server, rpc, requests[0], calls)
    return figures


def ratios(figures: dict[str, Any]) -> dict[str, Ratio]:
    """Our median beside ghz's, where it has measured."""
    return {
        f"{call}, p50: ours / ghz": ratio(
            figures[call]["ours"]["p50_ms"] / figures[call]["ghz"]["p50_ms"]
        )
        for call, *_ in CALLS
        if "ghz" in figures[call]
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each rate")
    arguments = parser.parse_args()
    before = {"environment": environment()}
    figures = measure(arguments.seconds)
    if figures["witness"] == "absent":
        print("neither ghz nor h2load is installed: nobody else has measured")
    for call, *_ in CALLS:
        print(f"{call}: {figures[call]}")
    finish("witness", before | figures | {"ratios": ratios(figures)})


if __name__ == "__main__":
    main()
