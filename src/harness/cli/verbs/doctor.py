"""`harness doctor`: looks at this machine, the configuration and a running target. Starts nothing, writes nothing."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from harness.cli.exits import Exit
from harness.config.project import PROJECT_FILE, VARIABLES, Project, effective_toml
from harness.config.targets import read_target
from harness.engines.browser import INSTALL_HINT, driver_fault, find_browser
from harness.engines.zap.source import NoZap, find_zap
from harness.model.errors import HarnessError, PreflightError
from harness.model.target import Role, Target
from harness.probes.http.door import Credential
from harness.probes.http.pages import is_csrf
from harness.probes.openapi.document import Document
from harness.runner.capabilities import NEEDS, gives
from harness.runner.preflight import check_document
from harness.runner.programs import missing_programs
from harness.runner.request import open_project, target_file, target_option
from harness.runner.upkeep import read_kept, running
from harness.targets.live import LiveTarget

_SHM = Path("/dev/shm")
_MEGABYTE = 1 << 20


def run(args: argparse.Namespace) -> Exit:
    """Prints what was found; 4 where the document lacks what the file names, nothing can run, or a log-in is refused."""
    root, project = open_project()
    file = target_file(root, args.target or project.defaults.target)
    target = read_target(file)
    if args.show_config:
        _show_config(root, project, target)
        return Exit.OK
    for name, text in (*_machine(), *_target(target, target_option(root, file))):
        print(f"  {name:<14} {text}")
    if target.commands.start and not target.base_url and read_kept(root, target.name) is None:
        print(f"  {'running':<14} no: harness verify starts it; log-ins are tried on one that runs (harness target up)")
        return Exit.OK
    try:
        live = running(root, target, target_option(root, file))
        for name, text in _live(live):
            print(f"  {name:<14} {text}")
    except HarnessError as error:
        sys.stdout.flush()
        sys.stderr.write(f"harness doctor: {error}\n")
        return Exit.PREFLIGHT
    return Exit.OK


def _machine() -> Iterator[tuple[str, str]]:
    yield "python", f"{platform.python_version()} at {sys.executable}"
    yield "machine", f"{os.cpu_count()} cores, {platform.system()} {platform.release()}"
    free = shutil.disk_usage(_SHM).free // _MEGABYTE if _SHM.is_dir() else 0
    yield "/dev/shm", f"{free} MB free"
    browser = find_browser()
    fault = driver_fault() if browser else "none"
    yield "browser", f"{fault}; {INSTALL_HINT}" if fault or browser is None else f"{browser.path}"
    yield "docker", shutil.which("docker") or "no client; the embedded PostgreSQL is used"
    zap = find_zap()
    yield "zap", f"none: {zap.reason}; get one: {zap.command}" if isinstance(zap, NoZap) else zap.title
    if not isinstance(zap, NoZap) and zap.add_ons:
        yield "zap add-ons", ", ".join(zap.add_ons)


def _target(target: Target, option: str) -> Iterator[tuple[str, str]]:
    given = gives(target)
    yield "target", f"{target.name} ({target.environment}): {target.title}"
    yield (
        "gives",
        ", ".join(given) + (f"; not {', '.join(need for need in NEEDS if need not in given)}" if len(given) < len(NEEDS) else ""),
    )
    if target.document is not None:
        yield "document", f"{target.document.name}: {len(Document.load(target.document).operations)} operations"
        check_document(target)
    for text in missing_programs(target):
        yield "commands", text
    yield "next", _next(target, option)


def _live(live: LiveTarget) -> Iterator[tuple[str, str]]:
    yield "address", live.base_url
    if not live.alive():
        raise PreflightError(
            f"{live.target.name} does not answer at {live.base_url}{live.target.health_path}",
            hint="is it running, and is that its address?",
        )
    with live.client() as http:
        yield "health", f"{live.target.health_path} answers {http.get(live.target.health_path).status_code}"
        if live.target.document_path:
            served = http.get(live.target.document_path)
            yield "served document", f"{live.target.document_path} answers {served.status_code}, {len(served.content)} bytes"
    for role in (role for role in live.target.roles if role.users):
        if live.target.base_url and (role.sign_up or role.seed_sql):
            yield "log-in", f"{role.name}: not tried, as its accounts are made in each run"
            continue
        for user in role.users:
            credential = live.sign_in(role, user)
            yield "log-in", f"{role.name} {user.username} is accepted"
        if unsent := _unsent_cookie(role, credential):
            yield (
                "send",
                f"{role.name}: its log-in sets the cookie {unsent} too; writes are refused if they must repeat it in a header: "
                f'[roles.{role.name}.login] send = {{ "X-CSRF-Token" = "{{cookie:{unsent}}}" }}, or as the platform calls it',
            )


def _unsent_cookie(role: Role, credential: Credential) -> str:
    """The cookie against forged writes that a log-in by cookie gives, where the role sends no header of its own; else ""."""
    if role.login.token or role.login.send:
        return ""
    return next((name for name in credential.cookies if is_csrf(name)), "")


def _next(target: Target, option: str) -> str:
    """What would let the harness say more, the most important first."""
    if missing_programs(target):
        return f"see commands above: they run in the file's folder, {target.folder}"
    if "document" not in gives(target):
        return "give document or document_path: contract, authorization and attacks on every parameter need it"
    if "users" not in gives(target):
        return "give a role with its log-in and users ([roles.<name>]): nothing behind a log-in is reached without"
    alone = [role.name for role in target.roles if len(role.users) == 1]
    if alone:
        return f"give {alone[0]} a second user: whose an object is can be judged only between two"
    if not target.allow.writes:
        return "set allow.writes where it may be written to: nothing that changes data is tried without"
    if not target.takes_database:
        return "if it runs on PostgreSQL and can be started here, give commands.start and database_variables to the witness"
    return f"harness verify{option}"


def _show_config(root: Path, project: Project, target: Target) -> None:
    """Every value that is in force, with where it came from: an environment variable, the file, or the default."""
    given = tomllib.loads((root / PROJECT_FILE).read_text(encoding="utf-8"))
    set_by = {f"defaults.{key}": name for name, key in VARIABLES.items() if os.environ.get(name)}
    plain = tomllib.loads(effective_toml(project, *project.plans))
    for name, value in _leaves("", plain):
        origin = set_by.get(name) or (PROJECT_FILE if _is_given(given, name) else "default")
        print(f"{name} = {value!r}  ({origin})")
    print(f"target file = targets/{target.name}.toml")


def _leaves(name: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _leaves(f"{name}.{key}" if name else key, member)
    else:
        yield name, value


def _is_given(given: object, dotted: str) -> bool:
    for key in dotted.split("."):
        if not isinstance(given, dict) or key not in given:
            return False
        given = given[key]
    return True
