"""How long 10,000 alerts take from a scanner's report to merged findings, and to a page that is open."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import sync_playwright

from harness.engines.browser import find_browser
from harness.engines.zap.alerts import read_alerts
from harness.engines.zap.reading import Alert
from harness.findings.merge import merged
from harness.report import html
from tests.report import samples

Figure = tuple[str, float, str, str]

_ALERTS = 10_000
_HOW = f"{_ALERTS:,} alerts of 50 rules on 3,000 addresses, once"


def figures() -> Iterator[Figure]:
    """Seconds to read alerts into findings, to merge two engines' findings, to write their report and to open it."""
    alerts = [
        Alert(plugin=str(n % 50), name="an alert", risk=3, confidence=1, method="GET", url=f"http://h/a/b{n % 3000}/{n}")
        for n in range(_ALERTS)
    ]
    started = time.perf_counter()
    found = read_alerts(alerts, (), stage="zap").findings
    yield "alerts read into findings", time.perf_counter() - started, "s", _HOW
    doubled = [dataclasses.replace(finding, engines=("probes",)) for finding in found]
    started = time.perf_counter()
    merged((*found, *doubled))
    yield f"{2 * len(found):,} findings merged", time.perf_counter() - started, "s", _HOW
    yield from _page()


def _page() -> Iterator[Figure]:
    how = f"{_ALERTS:,} findings of 40 rules with long hostile texts, once"
    run = samples.many(_ALERTS)
    started = time.perf_counter()
    page = str(html.render(run)["index.html"])
    yield "report rendered", time.perf_counter() - started, "s", how
    yield "report's page", len(page.encode()) / 1_000_000, "MB", how
    if (browser := find_browser()) is not None:
        yield "report's page opened", _opened_s(page, str(browser.path)), "s", f"{how}; from disk, to the load event"


def _opened_s(page: str, browser: str) -> float:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "index.html"
        file.write_text(page, encoding="utf-8")
        with playwright.chromium.launch(executable_path=browser) as chromium:
            window = chromium.new_page()
            window.goto(file.as_uri())
            return float(window.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")) / 1000
