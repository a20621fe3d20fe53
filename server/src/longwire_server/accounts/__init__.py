"""Who calls, how that is known, and what each tenant may have."""
