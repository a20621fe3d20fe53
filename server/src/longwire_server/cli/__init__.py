"""The ``longwire-server`` command: ``main.py`` has its commands, each in a module of its own.

What a command needs beside the configuration is imported when it runs: most need
neither gRPC nor a database.
"""
