"""The grammar of the commands for operators."""

from __future__ import annotations

from longwire.cli.login_parser import AddCommand

COMMANDS = {
    "pause": "longwire.cli.operator_commands:pause",
    "resume": "longwire.cli.operator_commands:resume",
    "set-message": "longwire.cli.operator_commands:set_message",
    "move": "longwire.cli.operator_commands:move",
    "drain": "longwire.cli.operator_commands:drain",
}


def add_operator_commands(add_command: AddCommand) -> None:
    """Adds the commands to the parser."""
    for name, summary, more in (
        (
            "pause",
            "begin no more jobs on a backend; for operators",
            "Those that run go on, and new ones are taken and wait, until: longwire resume.",
        ),
        ("resume", "begin jobs on a paused backend again; for operators", ""),
        (
            "set-message",
            "set what a backend's status tells people; for operators",
            'It holds until it is set to "", which gives the backend its own words back.',
        ),
    ):
        parser = add_command(name, summary, more)
        parser.add_argument("backend", metavar="BACKEND", help="the backend's name")
        if name == "set-message":
            parser.add_argument("text", metavar="TEXT", help="at most 256 characters")
    parser = add_command("move", "put a queued job in front of all others; for operators")
    parser.add_argument("job_id", metavar="ID", help="the job's id, whosever it is")
    add_command(
        "drain",
        "have the server end when its running jobs have; for operators",
        "They may take its drain_grace_seconds. Queued jobs stay for its next start.",
    )
