"""Starts, seeds and stops targets, logs in, and keeps traffic where it may go."""
