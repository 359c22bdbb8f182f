"""The schema's history: one reversible, described revision per change."""
