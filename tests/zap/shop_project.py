"""A whole project around the shop: target, document, a plan with the scan alone, a scan profile that demands our rule too."""

from __future__ import annotations

import textwrap
from pathlib import Path

import yaml

from tests.runner.tiny import ROOT, TinyProject
from tests.zap.assembly import RULE, RULE_NAME

TARGET = """
title = "Shop"
environment = "local"
hosts = ["127.0.0.1"]
folder = ".."
health_path = "/health"
document = "shop.openapi.yaml"
password_variable = "SHOP_PASSWORD"

[allow]
writes = true
active_scan = true

[commands]
start = ["{python}", "shop.py", "{port}"]

[variables]
SHOP_PASSWORD = "${SHOP_SECRET}"
"""

BUYER = """
[roles.buyer.login]
kind = "json"
path = "/login"
body = { username = "{username}", password = "{password}" }
cookie = "sid"

[[roles.buyer.users]]
name = "one"
username = "ann"
password = "${SHOP_SECRET}"

"""

ADMIN = """
[roles.admin.login]
kind = "json"
path = "/token"
body = { username = "{username}", password = "{password}" }
token = "$.token"

[[roles.admin.users]]
name = "one"
username = "ada"
password = "${SHOP_SECRET}"
"""

ADMIN_WITH_PAGES = ADMIN.replace("[roles.admin.login]", '[roles.admin]\npage_login = "/desk/login"\n\n[roles.admin.login]')

PROJECT = """
[defaults]
target = "shop"
plan = "security"
seed = 7
runs = "reports/runs"
ledger = "ledger.toml"

[plans.security]
asks = "What did the scan find?"
stages = ["zap"]
gates = ["findings"]
duration_s_max = 120

[stages.zap]
engine = "zap"
needs = ["document"]
profile = "ci"
duration_s_max = 110

[gates]
findings = ["zap"]
"""


def _operation(secured: bool = True, **more: object) -> dict[str, object]:
    security: list[dict[str, list[str]]] = [{"cookie": []}, {"bearer": []}] if secured else []
    return {"security": security, "responses": {"200": {"description": "done"}}, **more}


def _parameter(name: str, place: str, kind: str) -> dict[str, object]:
    return {"name": name, "in": place, "required": place == "path", "schema": {"type": kind}}


def _body(**members: str) -> dict[str, object]:
    properties = {name: {"type": kind} for name, kind in members.items()}
    schema = {"type": "object", "required": list(members), "properties": properties}
    return {"required": True, "content": {"application/json": {"schema": schema}}}


DOCUMENT = {
    "openapi": "3.0.3",
    "info": {"title": "Shop", "version": "1"},
    "components": {
        "securitySchemes": {
            "cookie": {"type": "apiKey", "in": "cookie", "name": "sid"},
            "bearer": {"type": "http", "scheme": "bearer"},
        }
    },
    "paths": {
        "/login": {"post": _operation(False, requestBody=_body(username="string", password="string"))},
        "/token": {"post": _operation(False, requestBody=_body(username="string", password="string"))},
        "/logout": {"post": _operation()},
        "/me": {"get": _operation()},
        "/search": {"get": _operation(parameters=[_parameter("q", "query", "string")])},
        "/orders": {"get": _operation(), "post": _operation(requestBody=_body(note="string"))},
        "/orders/{id}": {
            "get": _operation(parameters=[_parameter("id", "path", "integer")]),
            "delete": _operation(parameters=[_parameter("id", "path", "integer")]),
        },
    },
}


def make(folder: Path, *, only_our_rule: bool = False, roles: str = BUYER + ADMIN, **variables: str) -> TinyProject:
    """Writes the project into an empty folder.

    Args:
        roles: of the target file.
        only_our_rule: the scan profile demands nothing but the rule of the tests, so that the scan can be whole.
        variables: of the shop (`SHOP_ECHO="1"`).
    """
    project = TinyProject(folder)
    more = "".join(f'{name} = "{value}"\n' for name, value in variables.items())
    project.write("targets/shop.toml", f"{TARGET}{more}{roles}")
    project.write("targets/shop.openapi.yaml", yaml.safe_dump(DOCUMENT))
    project.write("harness.toml", PROJECT)
    project.write("shop.py", (ROOT / "tests/zap/shop.py").read_text(encoding="utf-8"))
    project.write("ledger.toml", (ROOT / "ledger/phase4.toml").read_text(encoding="utf-8"))
    for name in ("baseline", "ci"):
        project.write(f"security/zap/{name}.yaml", profile(name, only_our_rule))
    return project


def profile(name: str, only_our_rule: bool) -> str:
    """The project's own scan profile of that name, with our rule demanded as well, or alone."""
    data = yaml.safe_load((ROOT / f"security/zap/{name}.yaml").read_text(encoding="utf-8"))
    ours = {"id": int(RULE), "name": RULE_NAME, "strength": "medium", "threshold": "medium"}
    for job in data["jobs"]:
        if job["type"] == "activeScan":
            job["policyDefinition"]["rules"] = [ours] if only_our_rule else [*job["policyDefinition"]["rules"], ours]
    if only_our_rule:
        data["harness"]["passive_rules"] = []
        data["jobs"] = [job for job in data["jobs"] if not job["type"].startswith("passiveScan")]
    return textwrap.dedent(yaml.safe_dump(data))
