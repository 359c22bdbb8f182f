"""Attacks and checks sent to a target, and how their answers are read."""
