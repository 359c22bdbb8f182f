"""What the platform leaves behind of everything that was sent to it. Named to come last: it reads what the others caused."""

from __future__ import annotations

from harness.probes.audits.traces import examine_log
from harness.probes.audits.watched_log import known_secrets, session_secrets
from harness.probes.shared import SharedTarget
from suites.security.judging import Judge


def test_the_log_holds_no_secret(shared: SharedTarget, judge: Judge) -> None:
    world = shared.scene.world
    for role in (role for role in world.target.roles if role.users):
        world.credential(role.name, role.users[0].name)
    judge.settle("log", examine_log(world.door.log_path, known_secrets(world.door, world.tokens)))
    for door, tokens in shared.left:
        judge.settle("log", examine_log(door.log_path, session_secrets(door, tokens)))
