"""`harness target init`: writes the first draft of a target file from a document or from what an address shows."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from harness.cli.exits import Exit
from harness.config.project import find_root
from harness.config.targets import is_loopback
from harness.model.errors import ConfigError, HarnessError, PreflightError
from harness.model.target import Allow, Environment, Target
from harness.probes.openapi.document import Document
from harness.runner.request import TARGETS_FOLDER, target_option
from harness.targets.clients import TargetClient, client
from harness.targets.draft_pages import LogInPage, log_in_page
from harness.targets.drafting import Seen, document_name, draft, name_of

DOCUMENT_PATHS = (
    "/openapi.json",
    "/openapi.yaml",
    "/api/openapi.json",
    "/api/openapi.yaml",
    "/v3/api-docs",
    "/swagger.json",
    "/api-docs",
    "/swagger/v1/swagger.json",
    "/api/swagger.json",
    "/api/schema/",
)
HEALTH_PATHS = ("/health", "/healthz", "/api/health", "/health/ready", "/actuator/health")


def run(args: argparse.Namespace) -> Exit:
    """Writes `targets/<name>.toml`, or the file that `--target` names, and says what comes next.

    It sends nothing but reads, and overwrites nothing.

    Raises:
        ConfigError: neither a document nor an address, a document that is none, or a file that is there already.
        PreflightError: nothing answers at the address.
    """
    root = find_root(Path.cwd().resolve())
    document, address, shown = _sources(args)
    path = _file(root, args.target or name_of(document.title if document else "", address))
    named = document_name(Path(args.document), path.parent) if args.document else ""
    option = target_option(root, path)
    seen = Seen(path.stem, address, document, named, shown.document_path, shown.health_path, option, shown.page)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(draft(seen))
    except FileExistsError:
        raise ConfigError(f"{path} is there already", hint="choose another name: --target NAME") from None
    print(f"wrote {os.path.relpath(path)}: {_told(seen)}")
    print(f"next: read it, then  harness doctor{option}")
    return Exit.OK


def _file(root: Path, name: str) -> Path:
    """Where the file of a target of that name or path goes."""
    return Path(name).resolve() if name.endswith(".toml") else root / TARGETS_FOLDER / f"{name}.toml"


def _sources(args: argparse.Namespace) -> tuple[Document | None, str, _Shown]:
    """The document, the address, and what it shows: what of them is known."""
    if not args.document and not args.base_url:
        raise ConfigError("target init: neither --document nor --base-url", hint="harness target init --document openapi.yaml")
    shown, address = _Shown(), (args.base_url or "").rstrip("/")
    if address:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path:
            raise ConfigError(
                f"--base-url: got {address!r}, wanted scheme, host and port only", hint="such as http://127.0.0.1:8080"
            )
        shown = _look(address)
    return Document.load(Path(args.document)) if args.document else shown.document, address, shown


@dataclass(frozen=True)
class _Shown:
    """What an address shows: the document that is served, where that is, a path that tells the health, and a log-in page."""

    document: Document | None = None
    document_path: str = ""
    health_path: str = ""
    page: LogInPage | None = None


def _look(address: str) -> _Shown:
    host = urlsplit(address).hostname or ""
    environment = Environment.LOCAL if is_loopback(host) else Environment.STAGING
    target = Target("new", "new", environment, Path.cwd(), (host,), Allow(), base_url=address)
    with client(target, address) as http:
        try:
            http.get("/")
        except httpx.HTTPError as error:
            raise PreflightError(f"nothing answers at {address}: {type(error).__name__}", hint="is it running?") from None
        document, served = _served(http)
        health = next((path for path in HEALTH_PATHS if _status(http, path) == httpx.codes.OK), "")
        return _Shown(document, served, health, log_in_page(http))


def _served(http: TargetClient) -> tuple[Document | None, str]:
    for path in DOCUMENT_PATHS:
        try:
            answer = http.get(path)
            if answer.status_code == httpx.codes.OK:
                return Document.load(answer.content, path), path
        except (httpx.HTTPError, HarnessError):
            continue  # it is no document, or too long for one
    return None, ""


def _status(http: TargetClient, path: str) -> int:
    try:
        return http.get(path).status_code
    except (httpx.HTTPError, HarnessError):
        return 0


def _told(seen: Seen) -> str:
    if seen.document is None:
        return "no document was found, so it holds little" + (f" but the log-in of GET {seen.page.path}" if seen.page else "")
    return f"{len(seen.document.operations)} operations, {len(seen.document.schemes)} security schemes; what was guessed says so"
