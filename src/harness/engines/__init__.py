"""Runs a stage and turns what happened into evidence: one file, one engine."""
