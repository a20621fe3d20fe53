"""Workers, and handing them attempts."""
