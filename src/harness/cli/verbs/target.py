"""`harness target init|up|seed|down`: a file for a new target, and a target to look at by hand."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from harness.cli.common import chosen_of
from harness.cli.exits import Exit
from harness.cli.progress import Progress
from harness.cli.verbs import target_init
from harness.engines.process import Stop
from harness.evidence.redaction import remember_secret
from harness.model.errors import ConfigError, PreflightError
from harness.runner.preflight import standing
from harness.runner.request import RunRequest, request_of
from harness.runner.stopping import stop_on_signals
from harness.runner.upkeep import Kept, kept_file, read_kept, write_kept
from harness.targets.arena import Arena
from harness.targets.live import LiveTarget
from harness.targets.template import Seeding, fill_database

_LOOK_EVERY_S = 0.5
_DOWN_WITHIN_S = 20.0
_DSN_VARIABLE = "HARNESS_DATABASE_DSN"
_PASSWORD_VARIABLE = "HARNESS_ACCOUNT_PASSWORD"


def run(args: argparse.Namespace) -> Exit:
    """Does the action."""
    if args.action == "init":
        return target_init.run(args)
    request = request_of(chosen_of(args), tuple(sys.argv))
    action = {"up": _up, "seed": _seed, "down": _down}[args.action]
    return action(request)


def _up(request: RunRequest) -> Exit:
    if kept := read_kept(request.root, request.target.name):
        raise PreflightError(
            f"{request.target.name} runs already at {kept.base_url}",
            hint=f"harness target down{request.target_option}",
        )
    with (
        stop_on_signals("the target and its database end") as stop,
        tempfile.TemporaryDirectory(prefix="target-") as folder,
        standing(request, Path(folder), Progress(), stop) as ground,
        Arena(ground.arena).fresh("up") as live,
    ):
        state = write_kept(request.root, request.target.name, Kept(live.base_url, ground.arena.password, os.getpid()))
        _describe(request, live)
        try:
            died = _stay(live, stop)
        finally:
            state.unlink(missing_ok=True)
    if died:
        sys.stderr.write(f"{request.target.name} ended by itself: {live.log_tail()}\n")
        return Exit.FAIL
    return Exit.OK


def _describe(request: RunRequest, live: LiveTarget) -> None:
    first = live.target.roles[0].name if live.target.roles else "ROLE"
    option = request.target_option
    print(f"{request.target.title} at {live.base_url}")
    for role in live.target.roles:
        users = ", ".join(user.username for user in role.users)
        page = f"  page {live.base_url}{role.page_login}" if role.page_login else ""
        print(f"  {role.name}: {users}{page}")
    print(f"password of every user: in {kept_file(request.root, request.target.name)}")
    print(f"token: harness token {first}{option}  stop: harness target down{option}", flush=True)


def _stay(live: LiveTarget, stop: Stop) -> bool:
    """Waits for a signal; whether the target ended before it."""
    while not stop.signal:
        if live.process is not None and live.process.wait(_LOOK_EVERY_S):
            return True
    return False


def _down(request: RunRequest) -> Exit:
    kept = read_kept(request.root, request.target.name)
    if kept is None:
        print(f"{request.target.name} is not running")
        return Exit.OK
    os.kill(kept.pid, signal.SIGTERM)
    deadline = time.monotonic() + _DOWN_WITHIN_S
    while read_kept(request.root, request.target.name) and time.monotonic() < deadline:
        time.sleep(0.1)
    gone = read_kept(request.root, request.target.name) is None
    print(f"{request.target.name} {'stopped' if gone else 'does not stop'}")
    return Exit.OK if gone else Exit.UNKNOWN


def _seed(request: RunRequest) -> Exit:
    """Fills a database of the caller's own; its address and the accounts' password come from the environment."""
    missing = [name for name in (_DSN_VARIABLE, _PASSWORD_VARIABLE) if not os.environ.get(name)]
    if missing:
        raise ConfigError(f"target seed: the environment has no {', '.join(missing)}", hint=f"export {missing[0]}=…")
    remember_secret(os.environ[_PASSWORD_VARIABLE])
    with tempfile.TemporaryDirectory(prefix="seed-") as folder:
        seeding = Seeding(os.environ[_DSN_VARIABLE], request.size, request.seed, os.environ[_PASSWORD_VARIABLE], Path(folder))
        took = fill_database(request.target, seeding)
    print(", ".join(f"{name} {seconds:.1f} s" for name, seconds in took.items()) or "the target's file gives no commands to seed")
    return Exit.OK
