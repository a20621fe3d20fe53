"""The child process: it loads backends, parses programs and runs them."""
