"""Which partners fit a contractor, and why."""
