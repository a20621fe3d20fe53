"""The only place where messages and models meet.

Each module holds pairs ``x_to_proto`` and ``x_from_proto``. What cannot cross,
in either direction, is a :class:`longwire.errors.CodecError` that names its
place. None of these modules imports grpc, and those of values, arrays and run
options import qiskit only for an object that needs it.
"""
