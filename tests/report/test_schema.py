"""The committed JSON Schemas are those of the dataclasses, and what is written keeps to them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from harness.evidence.codec import to_json
from harness.evidence.folder import EvidenceList
from harness.evidence.stored import PAYLOADS
from harness.findings.history import Observed, accept
from harness.model.waiver import KnownBase
from harness.report.model import ReportInput
from harness.report.schema import SUFFIX, schemas, write
from tests.report import samples

FOLDER = Path(__file__).parents[2] / "reports" / "schema"


def committed(name: str) -> Draft202012Validator:
    schema = json.loads((FOLDER / f"{name}{SUFFIX}").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_the_committed_schemas_are_those_of_the_dataclasses():
    kept = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob(f"*{SUFFIX}")}
    made = schemas()
    differ = sorted(name for name in {*kept, *made} if kept.get(name) != made.get(name))
    assert differ == [], "write them anew: python -m harness.report.schema reports/schema"


def test_schemas_are_written_and_stale_ones_removed(tmp_path: Path):
    (tmp_path / f"gone{SUFFIX}").write_text("{}")
    (tmp_path / "README.md").write_text("kept")
    write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*schemas(), "README.md"}


def artefacts() -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for run in (samples.passed(), samples.failed(), samples.unknown(), samples.empty()):
        found += [("manifest", run.manifest), ("verdict", run.verdict), ("findings", run.findings), ("ledger", run.ledger)]
        found.append(("evidence", EvidenceList(tuple(item.evidence for item in run.items))))
        found += [(f"evidence-{item.evidence.kind}", item.payload) for item in run.items]
        found += [("findings.history", run.history), ("known", _accepted(run))]
    return found


def _accepted(run: ReportInput) -> KnownBase:
    return accept(Observed(run.findings, (), run.manifest.started), None, run.manifest.id)


def test_every_artefact_of_the_samples_keeps_to_its_schema():
    seen = set()
    for name, value in artefacts():
        committed(name).validate(json.loads(to_json(value)))
        seen.add(name)
    records = {"manifest", "verdict", "findings", "findings.history", "known", "ledger", "evidence"}
    assert seen == {*records, *(f"evidence-{kind}" for kind in PAYLOADS)}


def test_every_kind_of_evidence_has_a_schema():
    assert {f"evidence-{kind}{SUFFIX}" for kind in PAYLOADS} <= set(schemas())


@pytest.mark.parametrize("change", [{"more": 1}, {"seed": "1"}, {"status": "done"}, {"seed": None}])
def test_what_is_not_of_that_shape_is_refused(change: dict[str, Any]):
    plain = json.loads(to_json(samples.passed().manifest))
    with pytest.raises(ValidationError):
        committed("manifest").validate({**plain, **change})


def test_a_missing_member_is_refused():
    plain = json.loads(to_json(samples.passed().verdict))
    del plain["gates"][0]["advice"]
    with pytest.raises(ValidationError, match="'advice' is a required property"):
        committed("verdict").validate(plain)
