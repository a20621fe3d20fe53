"""What a client does while a job runs: reads its events, keeps its record, shows it."""
