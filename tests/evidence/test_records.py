"""What suites say is read back whole, and a line that was cut is counted."""

from __future__ import annotations

from pathlib import Path

from harness.engines.probes_engine import probe_payloads
from harness.engines.schemathesis_engine import contract_payloads
from harness.evidence.records import DocumentRecord, Recorder, Records, read_records
from harness.model.evidence import Cell, OperationCases, Outcome, Reach, TestResult, Whose
from harness.model.finding import Confidence, Finding, Observation, Request, Severity, Symptom


def finding(route: str = "/x/{id}") -> Finding:
    return Finding(
        "rule",
        "a title",
        Severity.HIGH,
        Confidence.HIGH,
        "security",
        ("probes",),
        method="GET",
        route=route,
        steps=(Request("GET", "/x/1", "partner", "one", {"Accept": "*/*"}, '{"hostile": "\ud800 </script>"}'),),
        symptom=Symptom(status=(200,)),
        parts=("2.1.3.a",),
    )


def test_everything_that_was_recorded_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "records.ndjson"
    recorder = Recorder(path)
    cell = Cell("GET /x", "partner", "one", Whose.OWN, permitted=True, tried=True, allowed=True, status=200)
    recorder.collected(3)
    recorder.finding(finding())
    recorder.finding(finding())
    recorder.finding(finding("/y"))
    recorder.observation(Observation("noise", "a text", "contract"))
    recorder.cell(cell)
    recorder.cases(OperationCases("GET /x", "partner", True, 5, 4, 0, {"200": 4}))
    recorder.reach(Reach("probes", 10, 9, True, ("partner",)))
    recorder.untested("GET /z", "its schema is broken")
    recorder.document("api.yaml", ("GET /x",), ("fuzzing",), {"GET /x": 2})
    recorder.parameters("probes", 17)
    recorder.test(TestResult("test_a", Outcome.PASSED, findings=recorder.fingerprints))
    recorder.target(alive=False, note="it fell over")
    recorder.close()
    records = read_records(path)
    assert len(records.findings) == 2
    assert next(iter(records.findings.values())).steps[0].path == "/x/1"
    assert records.cells == [cell]
    assert records.cases[0].statuses == {"200": 4}
    assert records.reach[0].reached == 9
    assert records.untested == {"GET /z": "its schema is broken"}
    assert (records.documents[0].operations, records.documents[0].parameters) == (("GET /x",), {"GET /x": 2})
    assert records.parameters == {"probes": 17}
    assert records.tests[0].outcome is Outcome.PASSED
    assert (records.collected, records.target_alive, records.target_note) == (3, False, "it fell over")
    assert records.broken_lines == 0


def test_a_line_that_was_cut_is_counted_and_the_rest_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "records.ndjson"
    recorder = Recorder(path)
    recorder.collected(3)
    recorder.close()
    path.write_text(path.read_text() + '{"record": "finding", "data": {"ru', encoding="utf-8")
    records = read_records(path)
    assert records.collected == 3
    assert records.broken_lines == 1


def test_a_file_that_is_not_there_is_no_evidence(tmp_path: Path) -> None:
    assert read_records(tmp_path / "nothing").tests == []


def test_fingerprints_never_depend_on_values_hosts_or_engines() -> None:
    one, other = finding(), finding()
    assert one.fingerprint == other.fingerprint
    assert len(one.fingerprint) == 16
    assert finding("/y").fingerprint != one.fingerprint


def test_the_places_that_were_filled_belong_to_the_reach_of_their_engine(tmp_path: Path) -> None:
    path = tmp_path / "records.ndjson"
    recorder = Recorder(path)
    recorder.reach(Reach("tour", 10, 9, True))
    recorder.reach(Reach("sessions", 10, 9, True, parameters=5))
    recorder.parameters("tour", 17)
    recorder.close()
    (payload,) = probe_payloads(None, read_records(path))  # type: ignore[arg-type]
    assert [(reach.engine, reach.parameters) for reach in payload.data.reach] == [("tour", 17), ("sessions", 5)]


def test_contract_evidence_counts_the_parameters_of_the_document_that_was_tested_last() -> None:
    documents = [DocumentRecord("d", ("GET /x",), (), {"GET /x": 1}), DocumentRecord("d", ("GET /x",), (), {"GET /x": 2})]
    (payload,) = contract_payloads(None, Records(documents=documents))  # type: ignore[arg-type]
    assert payload.data.parameters == {"GET /x": 2}
