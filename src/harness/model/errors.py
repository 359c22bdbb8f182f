"""The exceptions of the harness: one small tree, for faults only (outcomes are values)."""

from __future__ import annotations


class HarnessError(Exception):
    """Base of all: says what is wrong and, on a line of its own, what to do next.

    Args:
        message: what, where, observed, expected.
        hint: the next step for the reader, without the word "hint".
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\nhint: {self.hint}" if self.hint else self.message


class ConfigError(HarnessError):
    """Wrong by reading the command line and the TOML files alone: nothing ran (exit 2)."""


class PreflightError(HarnessError):
    """The pre-flight failed, no stage started: a silent target, no Postgres, no browser (exit 4)."""


class TargetError(HarnessError):
    """The target did not start, answer, seed or stop as its file says."""


class EvidenceError(HarnessError):
    """A run folder that cannot be read, or that does not match its digests."""


class EngineError(HarnessError):
    """An engine could not be run at all; what it did run is kept."""


class DatabaseError(HarnessError):
    """The database server does not do what it was asked: a database that exists already, no room left."""
