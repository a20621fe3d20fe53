"""What reaches a terminal or a pipe: tables, progress, errors."""

from __future__ import annotations

import json

import pytest

from longwire.cli.command_error import CommandError, ExitCode, command_error_of
from longwire.cli.table import Cell, Column, render_fields, render_table
from longwire.cli.terminal import clean, style, unstyle, write
from longwire.errors import ServerUnreachableError

COLUMNS = [Column("NAME"), Column("WAITING", is_number=True), Column("MESSAGE")]


def test_table_aligns_text_left_and_numbers_right() -> None:
    lines = render_table(COLUMNS, [["aer", "3", "active"], [Cell("b", ("bold",)), "12", ""]])
    assert [unstyle(line) for line in lines] == [
        "NAME  WAITING  MESSAGE",
        "aer         3  active",
        "b          12",
    ]


def test_table_cuts_its_last_column_to_the_terminal() -> None:
    _, row = render_table(COLUMNS, [["aer", "3", "a long message"]], width=24)
    assert unstyle(row) == "aer         3  a long m…"


def test_table_keeps_control_characters_from_the_terminal() -> None:
    _, row = render_table([Column("NAME")], [["a\x1b[2Jb\nc"]])
    assert row == "a�[2Jb c"


def test_fields_indent_further_lines_of_a_value() -> None:
    lines = [unstyle(line) for line in render_fields([("error", "one\ntwo"), ("id", "7")])]
    assert lines == ["error  one\n       two", "id     7"]


def test_clean_keeps_letters_of_all_languages() -> None:
    assert clean("größer 量子\x07") == "größer 量子�"


def test_written_text_has_no_colours_where_it_goes_to_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(style("word", "bold", "red"))
    assert capsys.readouterr().out == "word\n"


def test_error_for_programs_is_one_json_document_on_the_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = CommandError("TIMEOUT", 'took "long"', ExitCode.TIMEOUT, job_id="12")
    error.report(as_json=True)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert json.loads(captured.err) == {
        "error": {"reason": "TIMEOUT", "message": 'took "long"', "job_id": "12"}
    }


def test_error_for_people_shows_what_to_do_next(capsys: pytest.CaptureFixture[str]) -> None:
    hints = [("watch it:", "longwire watch 1"), ("cancel it now:", "longwire cancel 1")]
    CommandError("TIMEOUT", "too late", hints=hints).report(as_json=False)
    assert capsys.readouterr().err.splitlines() == [
        "longwire: too late",
        "  watch it:       longwire watch 1",
        "  cancel it now:  longwire cancel 1",
    ]


def test_error_of_the_library_keeps_its_message_and_gets_a_reason() -> None:
    error = command_error_of(ServerUnreachableError("nobody's there"))
    assert error is not None
    assert (error.reason, error.message) == ("SERVER_UNREACHABLE", "nobody's there")
    assert error.exit_code == ExitCode.ERROR


def test_error_of_the_server_keeps_its_reason() -> None:
    error = command_error_of(ServerUnreachableError("gone", reason="SERVER_DRAINING"))
    assert error is not None
    assert error.reason == "SERVER_DRAINING"


def test_defect_is_no_error_of_the_command() -> None:
    assert command_error_of(KeyError("x")) is None
