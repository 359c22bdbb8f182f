"""Child processes that cannot outlive the harness, however it ends."""

from __future__ import annotations

from harness.processes.kept import KeptProcess, ProcessError, keep

__all__ = ["KeptProcess", "ProcessError", "keep"]
