"""Reading a configuration: defaults, the file, the environment, the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from longwire_server.config import ConfigError, ServerConfig, load_config, with_overrides

SAMPLE = Path(__file__).parents[3] / "deploy" / "longwire-server.toml"


def load(tmp_path: Path, text: str, **environment: str) -> ServerConfig:
    path = tmp_path / "server.toml"
    path.write_text(text, encoding="utf-8")
    return load_config(path, environment=environment)


def test_config_without_a_file_has_every_default() -> None:
    config = load_config(environment={})
    assert config.server.address == "localhost:50051"
    assert config.server.data_dir.name == "longwire"
    assert config.server.data_dir.is_absolute()
    assert config.server.insecure is False
    assert config.limits.program_bytes == 32 * 2**20
    assert config.limits.request_bytes > config.limits.program_bytes
    assert config.store_url == f"sqlite:///{config.server.data_dir}/longwire.db"
    assert config.payloads_url == f"{config.server.data_dir}/payloads"
    assert config.retention.jobs_days >= config.retention.results_days
    assert [pool.name for pool in config.pools] == ["default"]
    assert config.backends == ()
    assert config.includes_entry_points


def test_config_sample_says_the_defaults() -> None:
    sample, built_in = load_config(SAMPLE, environment={}), load_config(environment={})
    assert sample.server == built_in.server
    assert sample.tls == built_in.tls
    assert sample.connections == built_in.connections
    assert sample.limits == built_in.limits
    assert sample.store == built_in.store
    assert sample.retention == built_in.retention
    assert sample.auth == built_in.auth
    assert sample.audit == built_in.audit
    assert sample.pools == built_in.pools


def test_config_sample_uncommented_is_a_configuration(tmp_path: Path) -> None:
    text = SAMPLE.read_text(encoding="utf-8")
    commented = text[text.index("# [[backend]]") :].splitlines()
    lines = [line.removeprefix("#").removeprefix(" ") for line in commented]
    config = load(tmp_path, "\n".join(lines))
    assert [backend.name for backend in config.backends] == ["density_matrix", "lab"]
    assert config.backends[0].arguments == {"method": "density_matrix"}


def test_config_with_every_section_is_read(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        """
        [server]
        address = "[::1]:0"
        data_dir = "here"
        drain_grace_seconds = 2.5
        [limits]
        queued_jobs = 7
        [store]
        url = "postgresql://db/longwire"
        durability = "power"
        file_above_bytes = 0
        payloads_url = "local://{data_dir}/large"
        [retention]
        results_days = 0.5
        results_bytes = 1
        jobs_days = 0.5
        jobs = 3
        [[pool]]
        name = "big"
        processes = 3
        threads = 2
        memory_limit_mb = 4096
        time_limit_seconds = 60
        [[backend]]
        name = "sim"
        factory = "lab.drivers:Sim.create"
        arguments = { qubits = 5, labels = ["a", "b"] }
        pool = "big"
        max_shots = 100
        """,
    )
    assert config.server.address == "[::1]:0"
    assert config.server.data_dir == tmp_path / "here"
    assert config.limits.queued_jobs == 7
    assert config.store_url == "postgresql+psycopg://db/longwire"
    assert config.payloads_url == f"local://{tmp_path}/here/large"
    assert config.retention.jobs == 3
    assert config.pool("big").time_limit_seconds == 60
    assert config.backends[0].arguments == {"qubits": 5, "labels": ["a", "b"]}
    assert not config.includes_entry_points
    assert [pool.name for pool in config.pools] == ["big"]


def test_config_pools_without_a_limit_share_the_memory(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        '[[pool]]\nname = "default"\nprocesses = 1\n[[pool]]\nname = "b"\nmemory_limit_mb = 5000\n',
    )
    assert config.pool("b").memory_limit_mb == 5000
    share_mb = config.pool("default").memory_limit_mb
    assert share_mb is not None
    assert share_mb >= 3072


def test_config_default_pool_is_added_for_a_backend_that_uses_it(tmp_path: Path) -> None:
    config = load(tmp_path, '[[pool]]\nname = "a"\n[[backend]]\nname = "x"\nfactory = "lab:make"\n')
    assert [pool.name for pool in config.pools] == ["a", "default"]


def test_config_environment_wins_over_the_file(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        '[server]\naddress = "localhost:1"\n',
        LONGWIRE_SERVER_ADDRESS="0.0.0.0:2",
        LONGWIRE_SERVER_INSECURE="true",
        LONGWIRE_SERVER_DATA_DIR=str(tmp_path / "data"),
        LONGWIRE_SERVER_STORE_URL="sqlite:///:memory:",
    )
    assert config.server.address == "0.0.0.0:2"
    assert config.server.data_dir == tmp_path / "data"
    assert config.store_url == "sqlite:///:memory:"


def test_config_environment_mistake_is_told_with_the_variable() -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(environment={"LONGWIRE_SERVER_INSECURE": "perhaps"})
    (problem,) = caught.value.problems
    assert problem.place == "LONGWIRE_SERVER_INSECURE"
    assert "true or false" in problem.message


def test_config_override_wins_over_everything(tmp_path: Path) -> None:
    config = load(tmp_path, "[limits]\nqueued_jobs = 3\n", LONGWIRE_SERVER_ADDRESS="localhost:1")
    changed = with_overrides(config, address="127.0.0.1:0", data_dir=tmp_path / "other")
    assert changed.server.address == "127.0.0.1:0"
    assert changed.server.data_dir == tmp_path / "other"
    assert changed.limits.queued_jobs == 3
    assert with_overrides(config) == config


def test_config_override_that_reaches_out_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        with_overrides(load_config(environment={}), address="0.0.0.0:50051")
    (problem,) = caught.value.problems
    assert problem.place == "--address"
    assert "without TLS" in problem.message


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.8.8.8:1", "[::1]:1", "LOCALHOST:0"])
def test_config_loopback_address_is_taken(tmp_path: Path, address: str) -> None:
    assert load(tmp_path, f'[server]\naddress = "{address}"\n').server.address == address


@pytest.mark.parametrize("address", ["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "lab.example.org:1"])
def test_config_address_of_a_network_needs_insecure(tmp_path: Path, address: str) -> None:
    with pytest.raises(ConfigError, match="insecure = true"):
        load(tmp_path, f'[server]\naddress = "{address}"\n')
    text = f'[server]\naddress = "{address}"\ninsecure = true\n'
    assert load(tmp_path, text).server.address == address


@pytest.mark.parametrize("address", ["localhost:8080", "127.0.0.1:0", "[::1]:8080"])
def test_config_http_on_loopback_needs_nothing_else(tmp_path: Path, address: str) -> None:
    config = load(tmp_path, f'[http]\naddress = "{address}"\nenvoy = "tools/envoy"\n')
    assert config.http.address == address
    assert config.http.envoy == tmp_path / "tools/envoy"


def test_config_http_of_a_network_is_taken_where_the_network_is_trusted(tmp_path: Path) -> None:
    text = '[server]\ninsecure = true\n[http]\naddress = "0.0.0.0:8080"\nallowed_origins = ["*"]\n'
    assert load(tmp_path, text).http.allowed_origins == ("*",)


def test_config_imports_neither_qiskit_nor_grpc() -> None:
    code = (
        "import sys, longwire_server.config, longwire_server.backends.registry as r;"
        "from longwire_server.config import load_config;"
        "assert r.backend_specs(load_config(environment={}));"
        "print([name for name in ('qiskit', 'grpc', 'qiskit_aer', 'qiskit_ibm_runtime')"
        " if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
