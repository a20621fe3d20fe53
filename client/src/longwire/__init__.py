"""Longwire: a quantum backend at the other end of a wire."""
