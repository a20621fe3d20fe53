"""A secure server from nothing: init, serve, login and run as an operator and a user do it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shlex
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from server_process import ServerProcess, running_server

from longwire import RemoteProvider, RemoteService
from longwire.errors import AuthenticationError

BIN = Path(sys.executable).parent
SECONDS = 120
BELL = """\
OPENQASM 2.0;
include "qelib1.inc";
qreg q[2];
creg c[2];
h q[0];
cx q[0],q[1];
measure q -> c;
"""
# What an operator adds; the default backends take longer to load.
BACKENDS = """
[[pool]]
name = "default"
processes = 1

[[backend]]
name = "basic_simulator"
"""


class Terminal:
    """What a person sees of a program at a terminal, and the keys."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def read_until(self, text: str) -> str:
        """What is shown up to and with a text."""
        stdout = self._process.stdout
        assert stdout is not None
        shown = ""
        while text not in shown:
            ready, _, _ = select.select([stdout], [], [], SECONDS)
            chunk = os.read(stdout.fileno(), 4096) if ready else b""
            assert chunk, f"{text!r} was not shown after {shown!r}"
            shown += chunk.decode()
        return shown

    def type(self, text: str) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        stdin.write(text.encode())
        stdin.flush()


class Person:
    """Somebody at a terminal, with a home of their own and nothing in the environment.

    Args:
        folder: where they are; the home is in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        kept = {key: value for key, value in os.environ.items() if not key.startswith("LONGWIRE_")}
        kept.pop("XDG_CONFIG_HOME", None)
        path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        self._environment = {**kept, "HOME": str(self.home), "PATH": path, "COLUMNS": "100"}

    def types(self, line: str, *, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Runs a line of the shell."""
        return subprocess.run(
            ["sh", "-c", line],
            cwd=self.folder,
            env=self._environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def gets(self, line: str, *, stdin: str = "") -> str:
        """What a line of the shell that succeeds writes to the standard output."""
        done = self.types(line, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextlib.contextmanager
    def at_a_terminal(self, line: str) -> Iterator[Terminal]:
        """Types a line of the shell where programs can ask for more."""
        spawn = "import pty, sys; sys.exit(pty.spawn(['sh', '-c', sys.argv[1]]) >> 8)"
        with subprocess.Popen(
            [sys.executable, "-c", spawn, line],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:
            try:
                yield Terminal(process)
                assert process.wait(SECONDS) == 0
            finally:
                process.kill()

    @property
    def accounts_file(self) -> Path:
        """Where accounts are saved."""
        return self.home / ".config" / "longwire" / "accounts.json"


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Person:
    """Who runs the server."""
    return Person(tmp_path_factory.mktemp("operator"))


@pytest.fixture(scope="module")
def printed(operator: Person) -> str:
    """What init printed."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return operator.gets(f"longwire-server init --dir here --address localhost:{port}")


@pytest.fixture(scope="module")
def made(operator: Person, printed: str) -> Path:
    """The folder that init made."""
    assert printed
    return operator.folder / "here"


@pytest.fixture(scope="module")
def login_line(printed: str) -> str:
    """The line to paste on the client's side."""
    (line,) = (line.strip() for line in printed.splitlines() if "longwire login" in line)
    return line


@pytest.fixture(scope="module")
def server(made: Path, login_line: str) -> Iterator[ServerProcess]:
    """The server that init configured."""
    config = made / "longwire-server.toml"
    config.write_text(config.read_text() + BACKENDS)
    address = shlex.split(login_line)[2]
    with running_server(made / "data", "--config", str(config), address=address) as running:
        assert running.address == address
        yield running


@pytest.fixture
def user(tmp_path: Path) -> Person:
    """Who uses it, from elsewhere."""
    return Person(tmp_path / "user")


def test_init_makes_files_that_keep_secrets(made: Path, login_line: str) -> None:
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in made.iterdir()}
    assert modes == {
        "ca.key": 0o600,
        "ca.pem": 0o644,
        "data": 0o700,
        "longwire-server.toml": 0o644,
        "server.key": 0o600,
        "server.pem": 0o644,
    }
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    secret = shlex.split(login_line)[4].split("_", 2)[2].encode()
    assert len(secret) == 43
    files = [path for path in made.rglob("*") if path.is_file()]
    assert not [path for path in files if secret in path.read_bytes()]


def test_init_makes_a_configuration_that_is_correct(operator: Person, made: Path) -> None:
    assert "correct" in operator.gets(f"longwire-server check-config {made}/longwire-server.toml")


def test_printed_line_makes_a_token_in_the_store_of_the_server(
    operator: Person, printed: str, made: Path
) -> None:
    (line,) = (line.strip() for line in printed.splitlines() if "token create" in line)
    token = operator.gets(line.replace("NAME", "ada")).strip()
    listed = operator.gets(f"longwire-server token list --data-dir {made}/data --json")
    assert token.split("_")[1] in {row["token_id"] for row in json.loads(listed)}


def test_init_overwrites_nothing(operator: Person, made: Path) -> None:
    before = {path.name: path.read_bytes() for path in made.iterdir() if path.is_file()}
    again = operator.types("longwire-server init --dir here")
    assert again.returncode == 1
    assert "exists already, and nothing is overwritten" in again.stderr
    assert {path.name: path.read_bytes() for path in made.iterdir() if path.is_file()} == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--host lab.example.org:50051", "without a port"),
        ("--address localhost:0", "port 0 would be another at every start"),
        ("--address lab", "write HOST:PORT"),
    ],
    ids=["host", "port", "address"],
)
def test_init_with_a_wrong_option_makes_nothing(user: Person, options: str, message: str) -> None:
    done = user.types(f"longwire-server init --dir there {options}")
    assert done.returncode == 1
    assert message in done.stderr
    assert not (user.folder / "there").exists()


def test_printed_line_logs_in_on_a_machine_that_has_no_file_of_the_server(
    server: ServerProcess, user: Person, login_line: str
) -> None:
    assert "as admin of tenant default (role admin)" in user.gets(login_line)
    assert stat.S_IMODE(user.accounts_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(user.accounts_file.parent.stat().st_mode) == 0o700
    # From here on without an address or a token.
    who = json.loads(user.gets("longwire whoami --json"))
    assert (who["address"], who["role"]) == (server.address, "admin")
    assert who["credential_kind"] == "token"
    (user.folder / "bell.qasm").write_text(BELL)
    done = json.loads(user.gets("longwire run bell.qasm --shots 10 --json"))
    assert sum(done["circuits"][0]["counts"].values()) == 10
    token = shlex.split(login_line)[4]
    listed = user.gets("longwire accounts")
    assert server.address in listed
    assert token.split("_")[1] in listed
    assert token.split("_", 2)[2] not in listed + user.gets("longwire accounts --json")
    assert token.split("_", 2)[2] not in server.log()


def test_token_on_the_standard_input_logs_in(
    server: ServerProcess, user: Person, login_line: str
) -> None:
    words = shlex.split(login_line)
    line = f"longwire login {server.address} --token - --ca {words[6]} --json"
    saved = json.loads(user.gets(line, stdin=f"{words[4]}\n"))
    assert saved["saved_in"] == str(user.accounts_file)
    assert user.gets(f"longwire logout {server.address}") == (
        f"forgot the account for {server.address}\n"
    )
    assert json.loads(user.gets("longwire accounts --json")) == {"accounts": []}


@pytest.mark.parametrize("option", ["", " --token -"], ids=["no_token", "dash"])
def test_token_typed_at_the_prompt_logs_in_and_is_not_shown(
    server: ServerProcess, user: Person, login_line: str, option: str
) -> None:
    words = shlex.split(login_line)
    line = f"longwire login {server.address} --ca {words[6]}{option}"
    with user.at_a_terminal(line) as terminal:
        shown = terminal.read_until("token (not shown): ")
        terminal.type(f"{words[4]}\n")
        shown += terminal.read_until("used from now on where no other address is given")
    assert f"logged in to {server.address} as admin" in shown
    assert words[4] not in shown
    assert user.accounts_file.exists()


def test_wrong_token_is_refused_and_nothing_is_saved(
    server: ServerProcess, user: Person, login_line: str
) -> None:
    words = shlex.split(login_line)
    wrong = f"{words[4][:-3]}xyz"
    failed = user.types(f"longwire login {server.address} --token {wrong} --ca {words[6]} --json")
    assert failed.returncode == 1
    error = json.loads(failed.stderr)["error"]
    assert error["reason"] == "UNAUTHENTICATED"
    assert "does not know the token" in error["message"]
    assert wrong not in failed.stderr
    assert not user.accounts_file.exists()


def test_login_with_the_certificate_of_the_server_warns(
    server: ServerProcess, user: Person, made: Path, login_line: str
) -> None:
    token = shlex.split(login_line)[4]
    line = f"longwire login {server.address} --token {token} --ca {made}"
    done = user.types(f"{line}/server.pem")
    assert done.returncode == 0, done.stderr
    assert "is no authority but the certificate of a server" in done.stderr
    assert json.loads(user.gets(f"{line}/server.pem --json"))["ca_is_authority"] is False
    assert "no authority" not in user.types(f"{line}/ca.pem").stderr
    assert json.loads(user.gets(f"{line}/ca.pem --json"))["ca_is_authority"] is True


def test_authority_of_another_server_is_refused_in_one_sentence(
    server: ServerProcess, user: Person, operator: Person
) -> None:
    operator.gets("longwire-server init --dir stranger --address localhost:50998")
    other = operator.folder / "stranger" / "ca.pem"
    failed = user.types(f"longwire login {server.address} --token lw_x --ca {other} --json")
    error = json.loads(failed.stderr)["error"]
    assert error["reason"] == "TLS"
    assert "does not come from the authority" in error["message"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("longwire login {address} < /dev/null", "TOKEN_MISSING"),
        ("longwire login {address} --token x", "TLS"),
        ("longwire login {address} --token 'a b'", "ARGUMENT_INVALID"),
        ("longwire logout", "ACCOUNT_NOT_FOUND"),
        ("longwire accounts --default {address}", "ACCOUNT_NOT_FOUND"),
        ("longwire --address {address} whoami", "TLS"),
    ],
    ids=["no_token", "no_authority", "no_form", "logout", "default", "no_login"],
)
def test_command_around_accounts_that_cannot_do_it_says_why(
    server: ServerProcess, user: Person, line: str, reason: str
) -> None:
    failed = user.types(line.format(address=server.address) + " --json")
    assert failed.returncode == 1
    assert json.loads(failed.stderr)["error"]["reason"] == reason
    assert not user.accounts_file.exists()


def test_python_uses_the_saved_account_without_any_argument(
    server: ServerProcess, user: Person, login_line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    user.gets(login_line)
    monkeypatch.delenv("LONGWIRE_ADDRESS", raising=False)
    monkeypatch.setenv("LONGWIRE_CONFIG_DIR", str(user.accounts_file.parent))
    with RemoteService() as service:
        assert service.address == server.address
        assert [backend.name for backend in service.backends()] == ["basic_simulator"]
    with (
        RemoteProvider(server.address, token="") as stranger,
        pytest.raises(AuthenticationError, match="longwire login"),
    ):
        stranger.backends()


def test_renewed_certificate_is_served_without_a_restart(
    server: ServerProcess, operator: Person, made: Path, user: Person, login_line: str
) -> None:
    user.gets(login_line)
    before = x509.load_pem_x509_certificate((made / "server.pem").read_bytes())
    config = made / "longwire-server.toml"
    written = operator.gets(
        f"longwire-server renew-certificate --config {config} --host lab.example.org"
    )
    assert "lab.example.org" in written
    after = x509.load_pem_x509_certificate((made / "server.pem").read_bytes())
    assert after.serial_number != before.serial_number
    assert after.not_valid_after_utc >= before.not_valid_after_utc
    assert json.loads(user.gets("longwire whoami --json"))["subject"] == "admin"
    assert "a new certificate is in use" in server.log()


def test_certificate_of_somebody_else_is_not_renewed(operator: Person, made: Path) -> None:
    other = operator.folder / "other"
    operator.gets("longwire-server init --dir other --address localhost:50999")
    (other / "server.pem").write_bytes((made / "server.pem").read_bytes())
    failed = operator.types(
        f"longwire-server renew-certificate --config {other}/longwire-server.toml"
    )
    assert failed.returncode == 1
    assert "does not come from the authority" in failed.stderr
    for command in ("check-config", "serve --config"):
        refused = operator.types(f"longwire-server {command} other/longwire-server.toml")
        assert refused.returncode == 1
        assert "other/longwire-server.toml:9: tls.key: " in refused.stderr
        assert "is not that of the certificate" in refused.stderr
