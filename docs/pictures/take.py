"""Takes the picture of a first screen that the guides show: `python docs/pictures/take.py [RUN]` (default: the latest run)."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from harness.engines.browser import INSTALL_HINT, find_browser, launch_arguments

PICTURE = Path(__file__).with_name("report.png")
WIDTH, HEIGHT = 1280, 870


def take(run: Path) -> Path:
    """Writes `report.png` from the report of a run folder."""
    found = find_browser()
    if found is None:
        raise SystemExit(f"no browser; {INSTALL_HINT}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(found.path), args=launch_arguments())
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto((run.resolve() / "report" / "index.html").as_uri())
        page.screenshot(path=PICTURE, animations="disabled", caret="hide")
        browser.close()
    return PICTURE


if __name__ == "__main__":
    take(Path(sys.argv[1] if len(sys.argv) > 1 else "reports/latest"))
