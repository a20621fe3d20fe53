"""The life of jobs: admission, queue, attempts, events."""
