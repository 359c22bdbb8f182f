"""The report as one HTML file that opens from disk: no network, no script, no style attribute.

Everything in a run may be hostile: texts of the target stand in findings, names and messages. Three things keep it from
running: Jinja escapes every value (autoescape, no `safe` filter in any template), the page's own policy forbids scripts
altogether and allows one stylesheet by its digest, and the views make hidden characters visible.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from harness.model.errors import HarnessError
from harness.report.model import ReportInput
from harness.report.text import spans
from harness.report.views.authorization import matrix_views
from harness.report.views.contract import contract_views
from harness.report.views.coverage import coverage_views
from harness.report.views.database import database_views
from harness.report.views.findings import findings_view
from harness.report.views.first import first_screen
from harness.report.views.gates import gate_views
from harness.report.views.ledger import ledger_view
from harness.report.views.load import load_views
from harness.report.views.run import run_view
from harness.report.views.security import security_view
from harness.report.views.tests import flow_views, suite_views

INDEX = "index.html"
TEMPLATES = Path(__file__).resolve().parents[3] / "reports" / "templates"
"""The templates lie where people look for them, beside the reports, and not in the package."""


def render(data: ReportInput) -> dict[str, str | bytes]:
    """The files of the HTML report by their names below `report/`: one page that holds everything.

    Pictures and traces are linked by their place in the run folder (`../stages/…`).

    Raises:
        HarnessError: the templates are not there.
    """
    style, findings = _style(), findings_view(data)
    page = _environment().get_template("report.html")
    text = page.render(
        style=Markup(style),  # ours, not the target's: the only value that is not escaped
        policy=policy(style),
        manifest=data.manifest,
        first=first_screen(data, findings.anchors),
        gates=gate_views(data),
        findings=findings,
        loads=load_views(data),
        coverages=coverage_views(data),
        contracts=contract_views(data),
        matrices=matrix_views(data),
        databases=database_views(data),
        suites=suite_views(data),
        flows=flow_views(data),
        ledger=ledger_view(data),
        run=run_view(data),
        security=security_view(data, findings.anchors),
    )
    return {INDEX: text.encode("utf-8", "replace").decode()}


def policy(style: str) -> str:
    """The page's content security policy: nothing, but this very stylesheet and pictures from the run folder."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'none'",
            f"style-src 'sha256-{digest}'",
            "img-src 'self' data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


@cache
def _environment() -> Environment:
    if not (TEMPLATES / "report.html").is_file():
        raise HarnessError(f"no report.html in {TEMPLATES}", hint="run from a whole checkout of the project")
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    environment.filters["spans"] = spans
    return environment


@cache
def _style() -> str:
    return (TEMPLATES / "style.css").read_text(encoding="utf-8").strip()
