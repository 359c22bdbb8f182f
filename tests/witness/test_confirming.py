"""What the database shows is said with high confidence where a second fresh target shows it too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from harness.databases.embedded import EmbeddedServer
from harness.model.errors import TargetError
from harness.model.finding import Confidence, Finding, Severity
from harness.model.weakness import Place, Weakness
from harness.witness.confirming import examine_twice
from harness.witness.report import said_once
from harness.witness.watcher import RecordedDoor
from harness.witness.wording import Said, finding_of
from tests.witness.conftest import MakeRecorded
from tests.witness.orders_document import DOCUMENT
from tests.witness.test_examination import Grounds

FIRST = "witness"  # the label of the target that an examination begins with


@dataclass
class Changing:
    """Gives another platform for each examination; None is one that does not start."""

    platforms: list[Grounds | None]
    begun: int = 0

    @contextmanager
    def recorded(self, label: str) -> Iterator[RecordedDoor]:
        self.begun += label == FIRST
        platform = self.platforms[self.begun - 1]
        if platform is None:
            raise TargetError("it does not start")
        with platform.recorded(label) as door:
            yield door


def examined(*platforms: Grounds | None) -> tuple[set[Confidence], int]:
    """With which confidence something is found, and how many examinations that took."""
    changing = Changing(list(platforms))
    done = examine_twice(changing, DOCUMENT, 7)
    return {finding.confidence for finding in done.payload().findings}, changing.begun


def test_what_is_seen_twice_is_certain_what_is_not_is_a_guess(server: EmbeddedServer, recorded: MakeRecorded) -> None:
    holed, mended = (Grounds(server, recorded, defects) for defects in (frozenset({"sql"}), frozenset[str]()))
    assert examined(holed, holed) == ({Confidence.HIGH}, 2)
    assert examined(holed, mended) == ({Confidence.LOW}, 2)
    assert examined(holed, None) == ({Confidence.MEDIUM}, 2)
    assert examined(mended) == (set(), 1)


def test_what_several_roles_show_is_said_once() -> None:
    def seen(role: str, operation: str = "POST /orders") -> Finding:
        weakness = Weakness("database.lost-update", Severity.HIGH, 362, "", "", "", "")
        return finding_of(weakness, Place(operation, "", role), Said("", "", ("a line",), ()))

    merged = said_once([seen("clerk"), seen("admin"), seen("clerk", "POST /lines"), seen("admin")])
    assert [(finding.operation, finding.role, finding.proof) for finding in merged] == [
        ("POST /orders", "clerk", ("a line", "as admin too")),
        ("POST /lines", "clerk", ("a line",)),
    ]
