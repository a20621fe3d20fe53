"""Hosted backends: which there are, how a worker loads them, and how they run.

:mod:`~longwire_server.backends.registry` belongs to the server process and
imports no qiskit; everything else runs in workers.
"""
