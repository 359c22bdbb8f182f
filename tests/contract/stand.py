"""Starts the lead box as a target of the harness, with a planted defect where one is named."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from harness.config.targets import read_target
from harness.engines.contract.budget import Budget
from harness.engines.contract.campaign import PHASES, Campaign, CampaignResult
from harness.model.target import Target
from harness.probes.openapi.document import Document
from harness.targets.accounts import with_accounts
from harness.targets.live import Launch, LiveTarget, started

LEADBOX = Path(__file__).with_name("leadbox.py")
BUDGET = Budget(cases_per_operation=10, seconds=240, request_seconds=3, answer_bytes_max=1_000_000)

_TARGET = """
title = "Lead box"
environment = "local"
folder = "."
hosts = ["127.0.0.1"]
document = "leadbox.openapi.json"
document_path = "/openapi.json"
health_path = "/api/health"
password_variable = "LEADBOX_PASSWORD"

[allow]
writes = true

[commands]
start = ["{{python}}", "{leadbox}", "{{host}}", "{{port}}"]

[variables]
LEADBOX_DEFECT = "{defect}"

[roles.agent]
rank = 1
[roles.agent.login]
kind = "json"
path = "/api/session"
body = {{ email = "{{username}}", password = "{{password}}" }}
token = "$.token"
[[roles.agent.users]]
name = "one"
username = "ada@leadbox.test"

[roles.boss]
rank = 2
[roles.boss.login]
kind = "json"
path = "/api/session"
body = {{ email = "{{username}}", password = "{{password}}" }}
token = "$.token"
[[roles.boss.users]]
name = "one"
username = "boss@leadbox.test"

[[objects]]
name = "lead"
role = "agent"
list_path = "/api/leads"
id_path = "$.leads[*].id"
parameters = ["lead_id"]

[[operations]]
operation = "GET /api/stats"
roles = ["boss"]
"""


@cache
def clean_document() -> str:
    """The document that the clean lead box serves, as the committed one."""
    program = "import json, leadbox; print(json.dumps(leadbox.document()))"
    environ = {**os.environ, "LEADBOX_PASSWORD": "unused", "LEADBOX_DEFECT": ""}
    made = subprocess.run(
        [sys.executable, "-c", program], cwd=LEADBOX.parent, env=environ, capture_output=True, text=True, check=True, timeout=30
    )
    return made.stdout


@dataclass(frozen=True)
class Stand:
    """A lead box as a target, and the document that it is held to."""

    target: Target
    document: Document
    folder: Path

    @contextmanager
    def fresh(self, label: str) -> Iterator[LiveTarget]:
        """A new one, on its first data."""
        with started(self.target, Launch(self.folder, label=label)) as live:
            yield live


def stand(folder: Path, defect: str = "", document: str = "") -> Stand:
    """A lead box with a defect, held to a document (default: the clean one's)."""
    (folder / "leadbox.openapi.json").write_text(document or clean_document(), encoding="utf-8")
    file = folder / "leadbox.toml"
    file.write_text(_TARGET.format(leadbox=LEADBOX, defect=defect), encoding="utf-8")
    password = f"Pass-{secrets.token_hex(8)}-0aA"
    os.environ["LEADBOX_PASSWORD"] = password  # the target's commands inherit it
    target = with_accounts(read_target(file), password)
    return Stand(target, Document.load(folder / "leadbox.openapi.json"), folder)


def campaign(
    folder: Path,
    defect: str = "",
    *,
    seed: int = 1,
    budget: Budget = BUDGET,
    operations: tuple[str, ...] = (),
    phases: tuple[str, ...] = tuple(PHASES),
    roles: tuple[str, ...] = ("agent", "boss"),
) -> CampaignResult:
    """A campaign against a lead box."""
    box = stand(folder, defect)
    target = replace(box.target, roles=tuple(role for role in box.target.roles if role.name in roles))
    box = replace(box, target=target)
    return Campaign(
        box.document, box.target, box.fresh, seed=seed, budget=budget, operations=operations or None, phases=phases
    ).run()


def told(result: CampaignResult) -> str:
    """The findings as text, for a test's message."""
    return json.dumps([(f.rule, f.title, f.parameter, f.observed) for f in result.findings], indent=1)
