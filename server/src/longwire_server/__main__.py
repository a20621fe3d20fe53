"""``python -m longwire_server``: the command ``longwire-server``."""

from longwire_server.cli.main import main

main()
