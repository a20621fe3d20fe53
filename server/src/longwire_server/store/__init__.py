"""The durable record of jobs, their programs and their results."""
