"""The parts of ``longwire.v1.AdminService``, one file for each thing that is managed."""
