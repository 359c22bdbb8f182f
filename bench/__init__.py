"""Figures, and how each was obtained: `make bench`. One module a subject, each with `figures() -> list[Figure]`."""
