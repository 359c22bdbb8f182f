"""Uploads: what is taken, under which name it is kept, and how it is served back."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import quote, urljoin, urlsplit

from harness.model.errors import HarnessError
from harness.model.finding import Observation, Request, Severity, Symptom
from harness.model.weakness import Place, Weakness
from harness.probes.checks import STAGE, Report, finding_of
from harness.probes.http.answers import Answer
from harness.probes.http.drafts import Draft, File, text_of
from harness.probes.http.files import PNG_BEGINS, FilePlace, file_place, samples
from harness.probes.http.oracle import leaves
from harness.probes.openapi.operations import Operation
from harness.probes.scene.calls import caller, valid_drafts
from harness.probes.scene.scene import Asker, Scene, Untestable

LARGE_BYTES = 12 * 1024 * 1024
_ACTIVE = ("text/html", "application/xhtml+xml", "image/svg+xml", "text/xml", "application/xml", "text/javascript", "")

_SERVED = Weakness(
    "uploads.served-as-page",
    Severity.HIGH,
    434,
    "API8:2023",
    "What somebody uploaded is served so that no browser runs it.",
    "Whoever opens the file on the platform's own address runs the uploader's script, as themselves.",
    "Take listed types only; serve them from another host, or with Content-Disposition: attachment and nosniff.",
)
_NAME = Weakness(
    "uploads.path-traversal",
    Severity.CRITICAL,
    22,
    "API8:2023",
    "The name of an upload does not decide where it is kept.",
    "A caller overwrites any file that the platform may write, its code included.",
    "Keep uploads under names of your own, and show the given name only.",
)


@dataclass(frozen=True)
class _Slot:
    operation: Operation
    place: FilePlace
    draft: Draft
    asker: Asker

    def request(self, file: File) -> Request:
        return self.draft.with_body(self.place.filled(self.draft.body, file)).request(self.asker.role, self.asker.user)


def examine_uploads(scene: Scene) -> Report:
    """Every operation that takes a file."""
    report = Report("uploads")
    if not scene.world.target.allow.writes:
        report.note = "the target file does not allow writes"
        return report
    for operation in scene.document.operations:
        place = file_place(scene.document, operation)
        if place is None:
            continue
        try:
            asker = caller(scene, operation)
            draft = next(valid_drafts(scene, operation, asker))
            _examine(scene, _Slot(operation, place, draft, asker), report)
        except (Untestable, HarnessError) as error:
            if not scene.world.door.alive():
                raise
            report.leave_out(operation.name, error)
    report.note = "" if report.tried or report.untried else "no operation takes a file"
    return report


def _examine(scene: Scene, slot: _Slot, report: Report) -> None:
    accepted = None
    kinds = samples(slot.place.member)
    for file in kinds:
        named = replace(file, name=f"{secrets.token_hex(3)}-{file.name}")  # a name may be good once
        answer = scene.ask(slot.request(named))
        if answer.is_success:
            report.tried += 1
            accepted = named, answer
            break
    if accepted is None:
        report.leave_out(slot.operation.name, f"it takes none of {', '.join(file.name for file in kinds)}")
        return
    _active(scene, slot, report)
    _named(scene, slot, report, *accepted)
    large = replace(accepted[0], content=accepted[0].content + "a" * LARGE_BYTES)
    answer = scene.ask(slot.request(large))
    report.tried += 1
    if answer.is_success:
        text = f"a file of {LARGE_BYTES // 1024**2} MB is taken ({answer.status})"
        report.observations.append(Observation("uploads.large", text, STAGE, slot.operation.name))


def _active(scene: Scene, slot: _Slot, report: Report) -> None:
    """Pages and pictures with a script in them: a finding where one comes back so that a browser runs it."""
    mark = secrets.token_hex(8)
    script = f"<script>/*{mark}*/</script>"
    tries = (
        File("page.html", f"<html><body>{script}</body></html>", "text/html"),
        File("picture.svg", f'<svg xmlns="http://www.w3.org/2000/svg">{script}</svg>', "image/svg+xml"),
        File("picture.html", f"GIF89a<html>{script}</html>", "image/gif"),
        File("picture.html", f"{PNG_BEGINS}<html>{script}</html>", "text/html"),
        File("page.html.png", f"<html>{script}</html>", "text/html"),
    )
    for number, file in enumerate(tries):
        report.tried += 1
        answer = scene.ask(slot.request(replace(file, name=f"{mark[:6]}{number}-{file.name}")))
        if not answer.is_success:
            continue
        for request, served in _served(scene, slot, answer):
            if mark in served.text and _runs(served):
                where = request.path.partition("?")[0]
                observed = f"{file.name} ({file.media_type}) came back from {where} as {served.media_type or 'no type'}."
                title = f"{slot.operation.name} lets a script be served from the platform's own address"
                place = Place(slot.operation.name, slot.place.member, slot.asker.role)
                report.findings.append(finding_of(_SERVED, place, title, observed, (), Symptom()))
                return


def _runs(served: Answer) -> bool:
    """Whether a browser runs what is in an answer that it is led to."""
    if "attachment" in served.header("content-disposition").lower() or "sandbox" in served.header("content-security-policy"):
        return False
    sniffs = "nosniff" not in served.header("x-content-type-options").lower()
    return served.media_type in _ACTIVE[:-1] or (served.media_type == "" and sniffs)


def _named(scene: Scene, slot: _Slot, report: Report, taken: File, plain: Answer) -> None:
    """A name that leads out of the folder: a finding where a file of a kind that is taken is then found outside of it."""
    folder = next((request.path.rsplit("/", 1)[0] for request, _ in _served(scene, slot, plain)), "")
    mark, name = secrets.token_hex(8), f"harness-{secrets.token_hex(4)}.{taken.name.rpartition('.')[2]}"
    for up in ("../", "../../", "..\\", "%2e%2e%2f"):
        report.tried += 1
        answer = scene.ask(slot.request(replace(taken, name=f"{up}{name}", content=f"{taken.content}{mark}")))
        if not answer.is_success:
            continue
        outside = {f"{folder.rsplit('/', 1)[0]}/{name}", f"/{name}"}
        for path in sorted(outside):
            if mark in scene.ask(Request("GET", path, slot.asker.role, slot.asker.user)).text:
                observed = f"A file named {up}{name} was found at {path.replace(name, '…')}, outside of {folder or 'its folder'}."
                title = f"{slot.operation.name} keeps a file where its name says"
                place = Place(slot.operation.name, slot.place.member, slot.asker.role)
                report.findings.append(finding_of(_NAME, place, title, observed, (), Symptom()))
                return
        if any(isinstance(value, str) and f"{up}{name}" in value for _, value in leaves(answer.json)):
            text = f"the name {up}… is taken as it is and given back"
            report.observations.append(Observation(_NAME.rule, text, STAGE, slot.operation.name))


def _served(scene: Scene, slot: _Slot, uploaded: Answer) -> Iterator[tuple[Request, Answer]]:
    """The upload as it is given back: at the addresses in the answer, and by the operations that take its id."""
    base = scene.world.door.base_url
    texts = [value for _, value in leaves(uploaded.json) if isinstance(value, str)] + [uploaded.header("location")]
    paths = [urlsplit(urljoin(base + "/", text)) for text in texts if text.startswith(("/", base))]
    found = [parts.path + (f"?{parts.query}" if parts.query else "") for parts in paths if parts.netloc == urlsplit(base).netloc]
    ids = [str(value) for path, value in leaves(uploaded.json) if re.search(r"(^|[._])(id|key|name|file_?name)$", path, re.I)]
    for operation in scene.document.operations:
        if operation.method == "GET" and _may_give_back(operation.path, slot.operation.path):
            found += [_address(scene, slot, operation, identity) for identity in ids]
    for path in dict.fromkeys(found):
        request = Request("GET", path, slot.asker.role, slot.asker.user)
        answer = scene.ask(request)
        if answer.is_success:
            yield request, answer


def _may_give_back(path: str, uploads: str) -> bool:
    """Whether a path names one of what is uploaded: below it, or in a flat collection of the same name (`/attachments/{id}`)."""
    flat = f"/{uploads.rstrip('/').rsplit('/', 1)[-1]}"
    starts = re.escape(uploads.rstrip("/")), rf"(?:/[^{{}}/]+)*{re.escape(flat)}"
    return any(re.fullmatch(rf"{start}/\{{[^{{}}/]+\}}(/\w+)?/?", path) for start in starts)


def _address(scene: Scene, slot: _Slot, operation: Operation, identity: str) -> str:
    """The path at which an operation below the upload's gives a file back: what the upload was for, and the file's id."""
    path = scene.drafter.base_path + operation.path
    for name, value in slot.draft.path.items():
        path = path.replace("{" + name + "}", quote(text_of(value), safe=""))
    return re.sub(r"\{[^{}]+\}", quote(identity, safe=""), path)
