"""Values on the command line: options, numbers, states, times and how they are written back."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from longwire.cli.command_error import CommandError, ExitCode
from longwire.cli.parser import build_parser, parse_command_line
from longwire.cli.times import format_age, format_duration, format_waited, parse_since
from longwire.cli.values import merge_options

NOW = datetime.datetime(2026, 5, 10, 12, tzinfo=datetime.UTC)


def parsed(*words: str) -> Any:
    return build_parser().parse_args(words)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("method=statevector", "statevector"),
        ("fusion_threshold=14", 14),
        ("precision=1e-3", 0.001),
        ("fusion_enable=false", False),
        ("noise_model=null", None),
        ("basis=[1, 2]", [1, 2]),
        ('label="14"', "14"),
        ("text=a=b", "a=b"),
        ("limit=NaN", "NaN"),
        ("empty=", ""),
    ],
)
def test_option_value_is_read_as_json_or_else_as_text(text: str, value: object) -> None:
    (assignment,) = parsed("run", "a.qasm", "--option", text).assignments
    assert assignment == (text.partition("=")[0], value)


@pytest.mark.parametrize(
    "words",
    [
        ("run", "a.qasm", "--option", "method"),
        ("run", "a.qasm", "--option", "=3"),
        ("run", "a.qasm", "--option", "a b=3"),
        ("run", "a.qasm", "--shots", "0"),
        ("run", "a.qasm", "--shots", "1.5"),
        ("run", "a.qasm", "--seed", "-1"),
        ("run", "a.qasm", "--optimization-level", "4"),
        ("submit", "a.qasm", "--optimization-level", "high"),
        ("submit", "a.qasm", "--seed-transpiler", "-1"),
        ("run", "a.qasm", "--timeout", "-1"),
        ("run", "a.qasm", "--timeout", "nan"),
        ("run", "a.qasm", "--max-run-seconds", "0"),
        ("submit", "a.qasm", "--max-queue-seconds", "inf"),
        ("run",),
        ("jobs", "--state", "sleeping"),
        ("jobs", "--since", "yesterday"),
        ("jobs", "--limit", "0"),
        ("jobs", "--until", "yesterday"),
        ("jobs", "--all", "--limit", "3"),
        ("label", "id", "--tag", "a", "--no-tags"),
        ("label", "id", "another", "--name", "a"),
        ("delete",),
        ("cancel",),
        ("walk",),
    ],
)
def test_wrong_word_is_a_usage_error_with_the_way_to_help(words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError) as caught:
        parsed(*words)
    assert caught.value.exit_code == ExitCode.USAGE
    assert caught.value.reason == "USAGE"
    assert caught.value.hints[0][1].endswith("--help")


def test_address_and_json_are_taken_before_and_after_the_command() -> None:
    for words in (("--address", "a:1", "--json", "jobs"), ("jobs", "--address", "a:1", "--json")):
        arguments = parsed(*words)
        assert arguments.address == "a:1"
        assert arguments.as_json is True


def test_state_is_taken_in_any_case_and_repeatedly() -> None:
    assert parsed("jobs", "--state", "running", "--state", "DONE").states == ["RUNNING", "DONE"]


def test_labels_that_are_not_spoken_of_differ_from_none() -> None:
    nothing = parsed("label", "id")
    assert (nothing.name, nothing.tags, nothing.add_tags, nothing.remove_tags) == (
        None,
        None,
        [],
        [],
    )
    cleared = parsed("label", "id", "--name", "", "--no-tags")
    assert (cleared.name, cleared.tags) == ("", [])
    given = parsed("label", "id", "--tag", "a", "--tag", "b", "--add-tag", "c", "--remove-tag", "d")
    assert (given.tags, given.add_tags, given.remove_tags) == (["a", "b"], ["c"], ["d"])


def test_listing_is_limited_unless_all_are_asked_for() -> None:
    assert parsed("jobs").limit == 20
    assert parsed("jobs", "--limit", "7").limit == 7
    assert parsed("jobs", "--all").limit is None


@pytest.mark.parametrize("command", ["run", "submit"])
def test_transpiling_is_wanted_not_wanted_or_not_spoken_of(command: str) -> None:
    nothing = parsed(command, "a.qasm")
    assert (nothing.transpile, nothing.optimization_level, nothing.seed_transpiler) == (None,) * 3
    assert parsed(command, "a.qasm", "--transpile").transpile is True
    assert parsed(command, "a.qasm", "--no-transpile").transpile is False
    how = parsed(command, "a.qasm", "--optimization-level", "0", "--seed-transpiler", "7")
    assert (how.transpile, how.optimization_level, how.seed_transpiler) == (None, 0, 7)


@pytest.mark.parametrize("command", ["run", "submit"])
def test_time_limits_are_given_or_not(command: str) -> None:
    nothing = parsed(command, "a.qasm")
    assert (nothing.max_run_seconds, nothing.max_queue_seconds) == (None, None)
    limits = parsed(command, "a.qasm", "--max-run-seconds", "5", "--max-queue-seconds", "0.5")
    assert (limits.max_run_seconds, limits.max_queue_seconds) == (5.0, 0.5)


def test_options_not_given_are_left_out() -> None:
    assert merge_options({"shots": None, "memory": True}, [("a", 1)]) == {"memory": True, "a": 1}


def test_option_given_twice_is_a_usage_error() -> None:
    with pytest.raises(CommandError, match="shots is given twice"):
        merge_options({"shots": 5}, [("shots", 6)])


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("30m", NOW - datetime.timedelta(minutes=30)),
        ("2h", NOW - datetime.timedelta(hours=2)),
        ("1.5 h", NOW - datetime.timedelta(minutes=90)),
        ("7d", NOW - datetime.timedelta(days=7)),
        ("1w", NOW - datetime.timedelta(days=7)),
        ("2026-05-01T14:30+02:00", datetime.datetime(2026, 5, 1, 12, 30, tzinfo=datetime.UTC)),
        ("2026-05-01", datetime.datetime(2026, 5, 1).astimezone()),
    ],
)
def test_since_is_a_span_back_from_now_or_a_date(text: str, moment: datetime.datetime) -> None:
    assert parse_since(text, NOW) == moment


@pytest.mark.parametrize("text", ["", "soon", "3 y", "-2h", "9999999999w", "2026-13-01"])
def test_since_of_another_form_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no time: .*2h"):
        parse_since(text, NOW)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0421, "0.042 s"),
        (0.9999, "1.00 s"),
        (9.996, "10.0 s"),
        (59.96, "1 min 00 s"),
        (200, "3 min 20 s"),
        (7260, "2 h 01 min"),
        (90_000, "1 d 01 h"),
        (-0.5, "0.000 s"),
    ],
)
def test_duration_has_as_many_digits_as_it_needs(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_waited_time_counts_whole_seconds() -> None:
    assert [format_waited(seconds) for seconds in (0.9, 59.9, 61)] == ["0 s", "59 s", "1 min 01 s"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "now"),
        (0.4, "now"),
        (59, "59 s ago"),
        (60, "1 min ago"),
        (7199, "1 h ago"),
        (86400, "1 d ago"),
    ],
)
def test_age_is_in_one_unit(seconds: float, text: str) -> None:
    assert format_age(NOW - datetime.timedelta(seconds=seconds), NOW) == text


def test_option_parameter_binds_is_refused_with_what_to_do_instead() -> None:
    with pytest.raises(CommandError, match="into the circuit's text, or run it from Python") as it:
        merge_options({}, [("parameter_binds", "[{}]")])
    assert it.value.exit_code == ExitCode.USAGE


@pytest.mark.parametrize(
    ("words", "message", "program"),
    [
        (["run", "a.qasm", "--shotss", "4"], "did you mean --shots", "longwire run"),
        (["jobs", "--stat=done"], "did you mean --state", "longwire jobs"),
        (["status", "aer", "4"], "unrecognized arguments: 4", "longwire status"),
        (["--adress=lab", "jobs"], "arguments: --adress=lab", "longwire jobs"),
    ],
)
def test_unknown_argument_is_refused_with_the_nearest_and_the_help_of_its_command(
    words: list[str], message: str, program: str
) -> None:
    with pytest.raises(CommandError, match=message) as caught:
        parse_command_line(words)
    assert caught.value.exit_code == ExitCode.USAGE
    assert caught.value.hints == (("how it is used:", f"{program} --help"),)
