"""One running target that several examinations share, for as long as it lives."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Self

from harness.probes.again import in_scene, seen_again, survived
from harness.probes.checks import DIED, Report
from harness.probes.http.door import Door
from harness.probes.http.doors import Doors
from harness.probes.http.exchange import World
from harness.probes.openapi.document import Document
from harness.probes.scene.scene import Scene


class SharedTarget:
    """Examinations of one target after the other; a fresh one takes the place of one that died or was spoilt.

    `door` is the first one; whoever opened it closes it.
    """

    def __init__(self, doors: Doors, door: Door, document: Document, seed: int) -> None:
        self._doors, self._document, self._seed = doors, document, seed
        self._open, self._spoilt = ExitStack(), False
        self._left: list[tuple[Door, frozenset[str]]] = []
        self._scene = self._scene_of(door)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._open.close()

    @property
    def scene(self) -> Scene:
        """Of a target that serves.

        Raises:
            TargetError: it died, and no other can be started.
        """
        if (self._spoilt and self._doors.isolated) or not self._scene.world.door.alive():
            self._left.append((self._scene.world.door, self._scene.world.tokens))
            self._open.close()
            self._spoilt = False
            self._scene = self._scene_of(self._open.enter_context(self._doors.fresh("suite")))
        return self._scene

    @property
    def left(self) -> tuple[tuple[Door, frozenset[str]], ...]:
        """The targets that were left, with the tokens that they gave: their logs are there still."""
        return tuple(self._left)

    def examined(self, label: str, examine: Callable[[Scene], Report]) -> Report:
        """What an examination found, seen again on a fresh target. A death is a finding with the request that brought it.

        Raises:
            TargetError: there is no target that serves.
        """
        scene = self.scene

        def again() -> Report:
            with self._doors.fresh("again") as door:
                return self._by_template(survived(door, label, in_scene(self._document, self._seed, examine)))

        first = self._by_template(survived(scene.world.door, label, lambda _door: examine(scene)))
        self._spoilt = first.spoilt
        return seen_again(first, self._doors, again)

    def _by_template(self, report: Report) -> Report:
        """A death on the operation's template: the path that was sent holds an id, which is another one the next time."""
        for number, finding in enumerate(report.findings):
            operation = self._document.matching(finding.method, finding.route) if finding.rule == DIED.rule else None
            if operation is not None:
                report.findings[number] = replace(finding, route=operation.path)
        return report

    def _scene_of(self, door: Door) -> Scene:
        return Scene(self._open.enter_context(World(door)), self._document, self._seed)
