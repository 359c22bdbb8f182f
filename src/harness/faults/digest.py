"""Tells whether a result still speaks of the code as it is now."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

from harness.faults.plant import project_files
from harness.model.fault import Fault

_ASIDE = ("docs/", "tests/", "faults/", "ledger/", "reports/", ".github/", ".ci/", "bench/", "deploy/")
"""What no stage of a fault's run reads."""
_DIGEST_CHARACTERS = 16


def code_digest(root: Path) -> str:
    """A digest of every file that can change how a fault's run ends: platform, engine, suites, configuration."""
    digest = hashlib.sha256()
    for name in project_files(root):
        if not name.startswith(_ASIDE) and not name.endswith(".md"):
            digest.update(name.encode() + b"\0" + hashlib.sha256((root / name).read_bytes()).digest())
    return digest.hexdigest()


def fault_digest(fault: Fault, code: str) -> str:
    """A digest of a fault and the code that it is planted in."""
    plain = dataclasses.replace(fault, folder=None)
    return hashlib.sha256(f"{plain!r}\0{code}".encode()).hexdigest()[:_DIGEST_CHARACTERS]
