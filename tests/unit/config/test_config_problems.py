"""Mistakes in a configuration are all told at once, each with its line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from longwire_server.config import ConfigError, Problem, load_config


def problems(tmp_path: Path, text: str) -> dict[int, Problem]:
    """The problems of a file by their lines."""
    path = tmp_path / "server.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(path, environment={})
    found = {}
    for problem in caught.value.problems:
        file, _, line = problem.place.rpartition(":")
        assert file == str(path)
        found[int(line)] = problem
    assert len(found) == len(caught.value.problems)
    assert str(caught.value).count("\n") == len(found) - 1
    return found


def test_config_many_mistakes_are_told_together_with_their_lines(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        """# line 1
[server]
adress = "localhost:1"
drain_grace_seconds = "long"

[limits]
program_bytes = 0
queued_jobs = 1.5 # not whole

[store]
durability = "full"

[[pool]]
name = "a"
threads = true

[[pool]]
name = "a"
procs = 4
split_jobs = "often"

[[backend]]
name = "x y"
factory = "no colon"

[[backend]]
pool = "b"
name = "y"
""",
    )
    assert set(found) == {3, 4, 7, 8, 11, 15, 18, 19, 20, 23, 24, 27}
    assert found[3].key == "server.adress"
    assert "did you mean 'address'" in found[3].message
    assert "must be a number, is text; write drain_grace_seconds = 30" in found[4].message
    assert "is 0, must be at least 1" in found[7].message
    assert "must be a whole number" in found[8].message
    assert "write 'process' or 'power'" in found[11].message
    assert found[15].key == "pool[0].threads"
    assert "is a truth value" in found[15].message
    assert f"{tmp_path / 'server.toml'}:14" in found[18].message
    assert "'processes'" in found[19].message
    assert found[20].key == "pool[1].split_jobs"
    assert "is text; write split_jobs = true" in found[20].message
    assert "cannot be a name" in found[23].message
    assert "package.module:callable" in found[24].message
    assert "there is no pool 'b'" in found[27].message


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("[server]\naddress = \n", 2, "not TOML"),
        ("a = 1\nb = [1,\n", 3, "not TOML"),
        ("[server]\n[server]\n", 2, "not TOML"),
        ("[servers]\nx = 1\n", 1, "did you mean 'server'"),
        ("x = 1\n[pools]\n", 1, "unknown table"),
        ("server = 3\n", 1, "write [server]"),
        ("\n[pool]\nname = 'a'\n", 2, "write [[pool]]"),
        ("backend = [1]\n", 1, "write [[backend]]"),
        ("[[pool]]\nthreads = 1\n", 1, "is missing; write name = 'default'"),
        ("[[pool]]\nname = 'a'\nmemory_limit_mb = 12\n", 3, "must be at least 3072"),
        ("[[pool]]\nname = 'a'\ntime_limit_seconds = 0\n", 3, "must be above 0"),
        ("[[pool]]\nname = 'a'\ntime_limit_seconds = inf\n", 3, "must be finite"),
        ("[[backend]]\nname = 'a'\ntime_limit_seconds = 0\n", 3, "must be above 0"),
        ("[[backend]]\nname = 'a'\nmax_attempts = 0\n", 3, "must be at least 1"),
        ("[server]\nlease_seconds = 0.5\n", 2, "must be at least 1"),
        ("pool = [{name = 'a'},\n {name = 'a'}]\n", 2, "name of another [[pool]]"),
        ("server = {insecure = false,address = 'nowhere'}\n", 1, "write HOST:PORT"),
        ("[server]\naddress = 'localhost:99999'\n", 2, "port 99999 does not exist"),
        ("[server]\naddress = '[localhost]:1'\n", 2, "not an IPv6 address"),
        ("[server]\naddress = ':50051'\n", 2, "write HOST:PORT"),
        ("[server]\naddress = 'unix:/tmp/x'\n", 2, "write HOST:PORT"),
        ("[server]\nchannelz_address = '0.0.0.0:1'\n", 2, "channelz asks nobody who they are"),
        ("[server]\nchannelz_address = 'here'\n", 2, "write HOST:PORT"),
        ("[http]\naddress = 'http://localhost:8080'\n", 2, "write HOST:PORT"),
        ("[http]\naddress = '0.0.0.0:8080'\n", 2, "give the server a certificate in [tls]"),
        ("[http]\nallowed_origins = ['lab.example.org']\n", 2, "'https://lab.example.org', or '*'"),
        ("[http]\nallowed_origins = ['https://a/b']\n", 2, "is not an origin"),
        ("[http]\nallowed_origins = ['https://*.a']\n", 2, "is not an origin"),
        ("[http]\nport = 3\n", 2, "unknown"),
        ("[store]\nurl = ''\n", 2, "names no database"),
        ("[store]\nurl = 'longwire.db'\n", 2, "write 'sqlite:///{data_dir}/longwire.db' or"),
        ("[store]\nurl = 'mysql://db/jobs'\n", 2, "'postgresql+psycopg://USER@HOST/DATABASE'"),
        ("[store]\nurl = 'postgresql+asyncpg://db/jobs'\n", 2, "names no database"),
        ("[store]\nfile_above_bytes = -1\n", 2, "must be at least 0"),
        ("[store]\npayload_url = ''\n", 2, "'payloads_url'"),
        ("[store]\npayloads_url = 'here'\n", 2, "no absolute path; write one, or one that begins"),
        ("[store]\npayloads_url = ''\n", 2, "no absolute path"),
        ("[store]\npayloads_url = 'file://here'\n", 2, "no absolute path"),
        ("[store]\npayloads_url = 's33://b/x'\n", 2, "knows no 's33'; did you mean 's3'"),
        ("[store]\npayloads_url = 'qwxyz://b'\n", 2, "write a directory, or 's3://bucket/name'"),
        ("[store]\npayloads_url = 'memory://x'\n", 2, "forgets everything when the server stops"),
        ("[store]\npayloads_options = 3\n", 2, "write payloads_options = { endpoint_url"),
        ("[store]\npayloads_options = { key = 'x' }\n", 2, "takes no options ('key')"),
        ("[retention]\nresults_day = 1\n", 2, "'results_days'"),
        ("[retention]\nresults_days = 0\n", 2, "must be above 0"),
        ("[retention]\njobs = 0\n", 2, "must be at least 1"),
        ("[retention]\nresults_bytes = 1.5\n", 2, "must be a whole number"),
        (
            "[retention]\nresults_days = 9\njobs_days = 8.5\n",
            3,
            "less than results_days (9)",
        ),
        ("[limits]\nresult_bytes = 1\ninline_result_bytes = 2\n", 3, "more than result_bytes"),
        ("[[backend]]\nname='a'\nfactory='m:f'\nmax_shots = 0\n", 4, "at least 1"),
        ("[[backend]]\nname='a'\nfactory='m:f'\nentry_point = 'e'\n", 3, "only one of the two"),
        ("[[backend]]\nname='a'\nfactory='m:f'\n[backend.arguments]\nd = 2020-01-01\n", 4, "date"),
        ("[[backend]]\nname='a'\nfactory='m:f'\nargument = {}\n", 4, "'arguments'"),
        ("[[backend]]\nname='a'\nfactory='m:f'\n[[backend]]\nname='a'\n", 5, "a name of its own"),
    ],
)
def test_config_mistake_is_told_with_its_line_and_remedy(
    tmp_path: Path, text: str, line: int, message: str
) -> None:
    found = problems(tmp_path, text)
    assert message in found[line].message


def test_config_url_whose_package_is_not_installed_is_told_with_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if it were not there, wherever the tests run.
    monkeypatch.setitem(sys.modules, "s3fs", None)
    found = problems(tmp_path, "[store]\npayloads_url = 's3://bucket/longwire'\n")
    assert "s3:// needs a Python package that is not installed" in found[2].message
    assert "Install s3fs" in found[2].message


def test_config_options_of_an_object_store_are_in_no_repr(tmp_path: Path) -> None:
    path = tmp_path / "server.toml"
    path.write_text("[store]\npayloads_url = 'ftp://h/x'\npayloads_options = { key = 'hunter2' }\n")
    config = load_config(path, environment={})
    assert config.store.payloads_options == {"key": "hunter2"}
    assert "hunter2" not in repr(config)


def test_config_line_is_found_behind_strings_comments_and_arrays(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        '''[[backend]] # [[backend]]
name = "a" # name = "b"
description = """
[[pool]]
bad = "\\""
"""
factory = 'm:f'
arguments = { "x.y" = [1, # ]
  { z = "}" }], "q\\u0041" = '#' }
[[backend]]
"name" = "b"
factory = "m:f"
  [backend.arguments]
  deep.er = 1

[[backend]]
name = "c"
"wrong\\u0021" = 1
''',
    )
    assert set(found) == {18}
    assert found[18].key == "backend[2].wrong!"


def test_config_file_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read: No such file"):
        load_config(tmp_path / "none.toml", environment={})


def test_config_file_that_is_not_utf8_is_told(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes(b'[server]\naddress = "\xe9"\n')
    with pytest.raises(ConfigError, match="UTF-8"):
        load_config(path, environment={})


def test_config_password_of_the_store_is_in_no_complaint_and_no_repr(tmp_path: Path) -> None:
    found = problems(tmp_path, "[store]\nurl = 'mysql://me:hunter2@db/jobs'\n")
    assert "hunter2" not in str(found[2])
    environment = {"LONGWIRE_SERVER_STORE_URL": "postgresql://me:hunter2@db/jobs"}
    config = load_config(environment=environment)
    assert "hunter2" in config.store_url
    assert "hunter2" not in repr(config)
