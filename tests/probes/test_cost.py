"""What a request can cost, exports, uploads and slow clients, on a platform that is not the reference one."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable

import pytest

from harness.model.finding import Confidence
from harness.probes.abuse import slow_clients
from harness.probes.abuse.cost import examine_cost, grows
from harness.probes.again import examined_twice, in_scene
from harness.probes.checks import Report
from harness.probes.http.exchange import World
from harness.probes.http.files import samples
from harness.probes.http.raw_bytes import as_bytes, as_text
from harness.probes.injection.formulas import examine_formulas
from harness.probes.injection.uploads import _may_give_back, examine_uploads
from harness.probes.scene.scene import Scene
from tests.probes.servers.notes_server import DOCUMENT as NOTES
from tests.probes.servers.notes_server import Servers
from tests.probes.servers.stock_server import DOCUMENT, FURTHER, Shelves

Examine = Callable[[Scene], Report]


def seen(examine: Examine, *defects: str) -> Report:
    return examined_twice(Shelves(frozenset(defects)), "shelf", in_scene(DOCUMENT, 1, examine))


def seen_once(examine: Examine, *defects: str) -> Report:
    with Shelves(frozenset(defects)).fresh("shelf") as door:
        return in_scene(DOCUMENT, 1, examine)(door)


def said(report: Report) -> set[tuple[str, str, str]]:
    return {(finding.rule, finding.operation, finding.parameter) for finding in report.findings}


@pytest.mark.parametrize(
    ("defects", "rules"),
    [
        ((), set()),
        (("serves-inline",), {"uploads.served-as-page"}),
        (("keeps-where-named",), {"uploads.path-traversal"}),
    ],
)
def test_what_takes_pictures_alone_is_given_pictures(defects: tuple[str, ...], rules: set[str]) -> None:
    report = seen(examine_uploads, "pictures-alone", *defects)
    assert (report.note, {finding.rule for finding in report.findings}) == ("", rules)


def test_the_picture_that_is_uploaded_is_a_whole_one() -> None:
    picture = samples("photo")[0]
    content = as_bytes(picture.content)
    assert (picture.name, picture.media_type, content[:8]) == ("picture.png", "image/png", b"\x89PNG\r\n\x1a\n")
    kinds, place = [], 8
    while place < len(content):
        (length,) = struct.unpack(">I", content[place : place + 4])
        data, end = content[place + 4 : place + 8 + length], place + 8 + length
        assert content[end : end + 4] == struct.pack(">I", zlib.crc32(data))
        kinds.append(data[:4])
        place = end + 4
    assert kinds == [b"IHDR", b"tEXt", b"IDAT", b"IEND"]


def test_bytes_in_a_text_are_sent_as_they_are_and_kept_in_any_file() -> None:
    data = bytes(range(256)) * 2
    kept = json.loads(json.dumps(as_text(data), ensure_ascii=False).encode())
    assert as_bytes(kept) == data
    assert as_bytes("é\ud800") == b"\xc3\xa9\xed\xa0\x80"


@pytest.mark.parametrize("examine", [examine_cost, examine_formulas, examine_uploads])
def test_a_platform_that_bounds_everything_gives_no_finding(examine: Examine) -> None:
    report = seen(examine)
    assert said(report) == set()
    assert report.tried > 2


@pytest.mark.parametrize(
    ("examine", "defect", "findings"),
    [
        (examine_cost, "any-page", {("abuse.unbounded-page", "GET /items", "limit")}),
        (
            examine_formulas,
            "formulas",
            {("abuse.csv-formula", "GET /items/export", "title"), ("abuse.csv-formula", "GET /items/export", "contact")},
        ),
        (
            examine_formulas,
            "guards-equals-only",
            {("abuse.csv-formula", "GET /items/export", "title"), ("abuse.csv-formula", "GET /items/export", "contact")},
        ),
        (
            examine_uploads,
            "serves-inline",
            {
                ("uploads.served-as-page", "POST /files", "file"),
                ("uploads.served-as-page", "POST /folders/{folder_id}/papers", "file"),
            },
        ),
        (
            examine_uploads,
            "keeps-where-named",
            {
                ("uploads.path-traversal", "POST /files", "file"),
                ("uploads.path-traversal", "POST /folders/{folder_id}/papers", "file"),
            },
        ),
    ],
)
def test_the_hole_is_found_twice_and_nothing_else_is_claimed(
    examine: Examine, defect: str, findings: set[tuple[str, str, str]]
) -> None:
    report = seen(examine, defect)
    assert said(report) == findings
    assert {finding.confidence for finding in report.findings} == {Confidence.HIGH}


def test_a_formula_is_stored_by_a_role_that_may_though_another_one_is_asked_first() -> None:
    shelves = Shelves(frozenset({"formulas"}), has_readers=True)
    report = examined_twice(shelves, "shelf", in_scene(DOCUMENT, 1, examine_formulas))
    assert {parameter for _, _, parameter in said(report)} == {"title", "contact"}


@pytest.mark.parametrize(
    ("examine", "defect", "findings"),
    [
        (examine_uploads, "", set()),
        (examine_uploads, "serves-inline", {("uploads.served-as-page", "POST /letters", "contentBase64")}),
        (examine_formulas, "", set()),
        (
            examine_formulas,
            "formulas",
            {("abuse.csv-formula", "GET /sales/export", "title"), ("abuse.csv-formula", "GET /sales/export", "contact")},
        ),
    ],
)
def test_files_within_json_and_exports_of_a_year_are_tried_too(
    examine: Examine, defect: str, findings: set[tuple[str, str, str]]
) -> None:
    report = examined_twice(Shelves(frozenset({defect})), "shelf", in_scene(FURTHER, 1, examine))
    assert (said(report), report.untried) == (findings, [])


@pytest.mark.parametrize("defects", [("explodes",), ("explodes-late",), ("squares",), ("explodes-late", "first-held-up")])
def test_a_pattern_that_takes_too_long_is_found_by_how_it_grows(defects: tuple[str, ...]) -> None:
    """A busy machine may hide how the time grows, and never makes it grow: one time out of three is enough."""
    found = (said(seen_once(examine_cost, *defects)) for _ in range(3))
    assert next(filter(None, found), set()) == {("abuse.regular-expression", "GET /items", "contact")}


@pytest.mark.parametrize(
    ("examine", "why"), [(examine_formulas, "no operation gives a spreadsheet"), (examine_uploads, "no operation takes a file")]
)
def test_where_there_is_nothing_to_try_it_says_so(examine: Examine, why: str) -> None:
    with Servers().fresh("notes") as door, World(door) as world:
        report = examine(Scene(world, NOTES, 1))
    assert (report.tried, report.findings, report.note) == (0, [], why)


def test_a_large_body_that_is_taken_is_noticed() -> None:
    rules = {observation.rule for observation in seen(examine_cost, "takes-any-size").observations}
    assert {"abuse.large-body", "abuse.many-items"} <= rules


@pytest.mark.parametrize(
    ("took", "told"),
    [
        ({16: 0.01, 18: 0.04, 20: 0.16, 22: 0.64}, "4 times"),
        ({20: 0.01, 22: 0.03, 24: 0.1, 26: 0.4}, "3 times"),
        ({16: 0.3, 18: 0.3, 20: 0.3, 22: 0.3}, ""),
        ({2_000: 0.05, 4_000: 0.2, 8_000: 0.8}, "power of 2.0"),
        ({2_000: 0.1, 4_000: 0.2, 8_000: 0.4}, ""),
        ({2_000: 0.0001, 4_000: 0.0004, 8_000: 0.0016}, ""),
    ],
)
def test_only_growth_that_no_linear_reading_has_is_called_one(took: dict[int, float], told: str) -> None:
    assert told in grows(took)
    assert bool(grows(took)) is bool(told)


@pytest.mark.parametrize(("defects", "rules"), [((), []), (("one-at-a-time",), ["robustness.slow-clients"])])
def test_slow_clients_are_borne_by_a_server_with_threads_and_stop_one_without(
    monkeypatch: pytest.MonkeyPatch, defects: tuple[str, ...], rules: list[str]
) -> None:
    monkeypatch.setattr(slow_clients, "CONNECTIONS", 6)
    monkeypatch.setattr(slow_clients, "SERVED_S_MAX", 0.5)
    with Shelves(frozenset(defects)).fresh("slow") as door:
        assert [finding.rule for finding in slow_clients.examine_slow_clients(door).findings] == rules


@pytest.mark.parametrize(
    ("path", "does"),
    [
        ("/incidents/{id}/files/{name}", True),
        ("/incidents/{id}/files/{name}/content", True),
        ("/api/files/{fileId}", True),
        ("/incidents/{id}", False),
        ("/incidents/{id}/notes/{note}", False),
    ],
)
def test_an_upload_is_looked_for_below_it_and_in_a_flat_collection_of_its_name(path: str, *, does: bool) -> None:
    assert _may_give_back(path, "/incidents/{id}/files") is does
