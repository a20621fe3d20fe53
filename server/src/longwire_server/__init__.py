"""The server that hosts quantum backends for Longwire clients."""
