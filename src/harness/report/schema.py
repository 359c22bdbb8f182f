"""JSON Schemas of the artefacts of a run, made from the dataclasses that are written, so that the two cannot part.

`python -m harness.report.schema [FOLDER]` writes them; a test refuses a committed one that differs.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from harness.evidence.folder import EvidenceList
from harness.evidence.stored import PAYLOADS
from harness.model.finding import Finding
from harness.model.run import LedgerRecord, Manifest, VerdictRecord
from harness.model.waiver import History, KnownBase

DRAFT = "https://json-schema.org/draft/2020-12/schema"
SUFFIX = ".schema.json"

ARTEFACTS: dict[str, tuple[Any, str]] = {
    "manifest": (Manifest, "manifest.json: what a run is"),
    "verdict": (VerdictRecord, "verdict.json: the verdict with every gate's result"),
    "findings": (tuple[Finding, ...], "findings.json: every finding, the worst first"),
    "findings.history": (History, "findings.history.json: the state of every finding of the run and of the base"),
    "known": (KnownBase, "security/known.json: the findings of earlier runs, accepted for comparison"),
    "ledger": (LedgerRecord, "ledger.json: the state of every row of the ledger"),
    "evidence": (EvidenceList, "stages/<n>-<name>/evidence.json: the evidence that a stage left"),
    **{
        f"evidence-{kind}": (payload, f"evidence/<stage>-{kind}.json: the payload of evidence of kind {kind}")
        for kind, payload in PAYLOADS.items()
    },
}
"""Name of the schema → the type of the artefact, and what it describes."""


def schemas() -> dict[str, str]:
    """The text of each schema by its file's name."""
    return {f"{name}{SUFFIX}": _text(name, *artefact) for name, artefact in ARTEFACTS.items()}


def write(folder: Path) -> tuple[Path, ...]:
    """Writes every schema into a folder and removes those that nothing is described by any more."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = schemas()
    for stale in set(folder.glob(f"*{SUFFIX}")) - {folder / name for name in texts}:
        stale.unlink()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return tuple(folder / name for name in texts)


def _text(name: str, kind: Any, about: str) -> str:
    schema = TypeAdapter(kind).json_schema(mode="serialization")
    closed = _closed(schema)
    head = {"$schema": DRAFT, "$id": f"{name}{SUFFIX}", "title": name, "description": about}
    rest = {key: value for key, value in closed.items() if key not in head}
    return json.dumps({**head, **rest}, indent=2, ensure_ascii=False) + "\n"


def _closed(node: Any) -> Any:
    """The schema with every object closed, every member required and no defaults: an artefact is written whole."""
    if isinstance(node, list):
        return [_closed(member) for member in node]
    if not isinstance(node, dict):
        return node
    properties = node.get("properties")
    if not isinstance(properties, dict):
        return {key: _closed(value) for key, value in node.items() if key not in ("default", "title")}
    rest = {key: _closed(value) for key, value in node.items() if key not in ("properties", "required", "title")}
    members = {key: _closed(value) for key, value in properties.items()}
    return {**rest, "properties": members, "required": list(members), "additionalProperties": False}


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "reports/schema"))
