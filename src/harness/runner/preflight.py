"""What must hold before the first stage: tools, document, database, a target that starts, log-ins that work."""

from __future__ import annotations

import dataclasses
import secrets
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from harness.config.decode import nearest
from harness.databases import DatabaseServer, open_server
from harness.engines.browser import INSTALL_HINT, driver_fault, find_browser
from harness.engines.process import Stop
from harness.events import Event, Prepared
from harness.evidence.redaction import remember_secret
from harness.model.errors import PreflightError, TargetError
from harness.model.plan import Stage
from harness.model.target import Target
from harness.probes.openapi.document import Document
from harness.runner.capabilities import lacking
from harness.runner.request import RunRequest
from harness.targets.accounts import sign_up, signs_up, with_accounts
from harness.targets.arena import Arena, ArenaPlan
from harness.targets.lent import LentDatabase
from harness.targets.live import Launch, started
from harness.targets.template import Seeding, fill_database

TEMPLATE = "template_seeded"
_PASSWORD_BYTES = 18


@dataclass(frozen=True)
class Standing:
    """What the stages stand on."""

    arena: ArenaPlan = field(repr=False)
    database: dict[str, str]
    notes: tuple[str, ...] = ()
    build: str = ""


@contextmanager
def standing(request: RunRequest, folder: Path, say: Callable[[Event], None], stop: Stop) -> Iterator[Standing]:
    """Opens the database, makes the template, starts the target once and tries each log-in; closes all of it at the end.

    Args:
        folder: gets the logs of migrate, seed and the first start.

    Raises:
        PreflightError, TargetError: with a hint; nothing is left running.
    """
    check_tools(request)
    check_document(request.target)
    lent = LentDatabase.from_environment()
    if lent is not None and lent.fits(request.size, request.seed):
        yield _on_lent(request, lent, folder, say, stop)
        return
    password = f"Aa1{secrets.token_urlsafe(_PASSWORD_BYTES)}"  # lower, upper and digit, as platforms demand
    remember_secret(password)
    folder.mkdir(parents=True, exist_ok=True)
    plan = ArenaPlan(request.target_file, folder, password=password, size=request.size, seed=request.seed, port=request.port)
    if not request.target.takes_database or request.target.base_url:
        _try_log_ins(plan, say, stop)
        yield Standing(plan, {"provider": "none: the target brings its own"})
        return
    started = time.monotonic()
    with open_server(request.database, folder / "database") as server:
        say(Prepared(f"PostgreSQL {server.version} ({server.provider}, {server.location})", time.monotonic() - started))
        took = _make_template(request, server, password, folder)
        say(Prepared(f"template: {request.size} data, seed {request.seed}", sum(took.values())))
        plan = dataclasses.replace(plan, database=server.access, template=TEMPLATE, log=server.log_path)
        _try_log_ins(plan, say, stop)
        database = {"provider": server.provider, "version": server.version, "location": server.location, "size": request.size}
        yield Standing(plan, database, server.notes)


def _on_lent(request: RunRequest, lent: LentDatabase, folder: Path, say: Callable[[Event], None], stop: Stop) -> Standing:
    """On a database that the caller made: it stays the caller's, only clones of it are ours."""
    remember_secret(lent.password)
    folder.mkdir(parents=True, exist_ok=True)
    say(Prepared(f"PostgreSQL {lent.version} ({lent.provider}, {lent.location}), template lent by the caller", 0.0))
    plan = ArenaPlan(request.target_file, folder, lent.access, lent.template, lent.password, port=request.port, log=lent.log_path)
    _try_log_ins(plan, say, stop)
    database = {"provider": lent.provider, "version": lent.version, "location": lent.location, "size": lent.size}
    return Standing(plan, database)


def runnable(request: RunRequest) -> tuple[Stage, ...]:
    """The stages of the plan that this target can feed."""
    stages = (request.project.stage(name) for name in request.plan.stages)
    return tuple(stage for stage in stages if not lacking(request.target, stage))


def check_tools(request: RunRequest) -> None:
    """Fails where a tool is missing that a stage cannot do without: today that is the browser, and what drives it.

    Raises:
        PreflightError: with the one command that mends it.
    """
    if not any(stage.engine == "playwright" for stage in runnable(request)):
        return
    if lacking := driver_fault() if find_browser() else "no browser was found":
        raise PreflightError(f"{lacking}, and the plan walks flows in a browser", hint=INSTALL_HINT)


def check_document(target: Target) -> None:
    """Fails where the committed document is not an OpenAPI document with operations, or lacks what the target file speaks of.

    Raises:
        PreflightError: naming the file, or the key and the nearest name that the document has.
    """
    if target.document is None:
        return
    document = Document.load(target.document)
    if not document.operations:
        raise PreflightError(
            f"{target.document}: an OpenAPI document without operations", hint="name another one in the target file"
        )
    for hint in target.operations:
        _documented(hint.operation, document.names, f"{target.name}: operations: {target.document.name}")
    for flow in target.codes:
        for key, name in (("start", flow.start), ("confirm", flow.confirm)):
            _documented(name, document.names, f"{target.name}: codes.{flow.name}.{key}: {target.document.name}")
    readable = [operation.path for operation in document.operations if operation.method == "GET"]
    for kind in (kind for kind in target.objects if kind.list_path):
        _documented(kind.list_path, readable, f"{target.name}: objects.{kind.name}.list_path: GET of {target.document.name}")
    paths = [operation.path for operation in document.operations]
    for kind in target.objects:
        for path in (entry.rpartition(":")[0] for entry in kind.parameters if ":" in entry):
            _documented(path, paths, f"{target.name}: objects.{kind.name}.parameters: {target.document.name}")
    _check_addresses(target, document.base_path, paths)


def _check_addresses(target: Target, base_path: str, paths: Collection[str]) -> None:
    for key, address in _posted_to(target):
        if base_path and address in paths and not address.startswith(f"{base_path}/"):
            raise PreflightError(
                f'{target.name}: {key}: "{address}" is a path of the document, wanted an address of the server',
                hint=f'with what the document\'s server begins with: "{base_path}{address}"',
            )


def _posted_to(target: Target) -> Iterator[tuple[str, str]]:
    """The addresses that the target file gives as the server knows them, by key."""
    for role in target.roles:
        yield f"roles.{role.name}.login.path", role.login.path
        if role.sign_up is not None:
            yield f"roles.{role.name}.sign_up.path", role.sign_up.path


def _documented(name: str, known: Iterable[str], where: str) -> None:
    names = tuple(known)
    if name not in names:
        raise PreflightError(f'{where}: there is no "{name}"', hint=f"as the document writes it: {nearest(name, names)}")


def _make_template(request: RunRequest, server: DatabaseServer, password: str, folder: Path) -> dict[str, float]:
    dsn = server.create(TEMPLATE)
    took = fill_database(request.target, Seeding(dsn, request.size, request.seed, password, folder))
    if signs_up(request.target):
        with started(with_accounts(request.target, password), Launch(folder, dsn, request.port, label="sign-up")) as live:
            sign_up(live, password)
    server.freeze(TEMPLATE)
    return took


def _try_log_ins(plan: ArenaPlan, say: Callable[[Event], None], stop: Stop) -> None:
    if stop.signal:
        raise PreflightError(f"stopped by {stop.signal} before the first stage")
    started = time.monotonic()
    arena = Arena(plan)
    users = [(role, user) for role in arena.target.roles for user in role.users]
    with arena.fresh("preflight") as live:
        try:
            for role, user in users:
                live.sign_in(role, user)
        except TargetError as error:
            logged = f"; its log ends with: {said}" if (said := live.log_tail()) else ""  # a pre-flight that fails leaves no file
            raise TargetError(f"{error.message}{logged}", hint=error.hint) from None
    say(Prepared(f"{arena.target.name} starts and answers, {len(users)} users log in", time.monotonic() - started))
