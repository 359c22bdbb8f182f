"""Use that nobody meant: guessing, one-time codes that give way, too much, too often, and what a caller must not set."""
