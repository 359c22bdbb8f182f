"""Plan, execute, collect: with deadlines and progress."""
