"""The ``longwire`` command.

It works on messages, through :mod:`longwire.transport`, so that a command does
not wait the second that importing Qiskit takes. Modules named ``*_commands``
hold the commands; what they need is imported when one of them runs.
"""
