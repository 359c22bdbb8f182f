"""Invented data, the same for the same number."""
