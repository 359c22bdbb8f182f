"""The HTML page: whole, self-contained, escaped, small. What a browser makes of it is in test_html_in_a_browser.py."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from harness.report import html
from harness.report.model import ReportInput
from tests.report import samples

EVERY = [samples.passed, samples.failed, samples.unknown, samples.empty]
VOID = {"meta", "img", "input", "br", "rect", "line", "circle", "path", "link"}


def page(data: ReportInput) -> str:
    text = html.render(data)[html.INDEX]
    assert isinstance(text, str)
    return text


class Reader(HTMLParser):
    """Collects tags and attributes, and checks that what is opened is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open[-1] in ("td", "th", "tr") and tag != self.open[-1]:
            self.open.pop()  # their end tags may be left out
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


@pytest.mark.parametrize("sample", EVERY)
def test_every_tag_is_closed_where_it_was_opened(sample: Callable[[], ReportInput]):
    assert Reader(page(sample())).open == []


@pytest.mark.parametrize("sample", EVERY)
def test_nothing_comes_from_elsewhere_and_nothing_runs(sample: Callable[[], ReportInput]):
    for tag, attributes in Reader(page(sample())).tags:
        assert tag not in ("script", "iframe", "object", "embed", "link", "base", "form")
        assert not [name for name in attributes if name.startswith("on") or name == "style"], (tag, attributes)
        for name in ("href", "src"):
            address = attributes.get(name)
            assert address is None or address.startswith(("#", "../")), (tag, address)


@pytest.mark.parametrize("sample", EVERY)
def test_ids_are_there_once_and_every_link_inside_the_page_leads_somewhere(sample: Callable[[], ReportInput]):
    tags = Reader(page(sample())).tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {str(attributes["href"])[1:] for _, attributes in tags if str(attributes.get("href", "")).startswith("#")}
    assert links <= set(ids)


@pytest.mark.parametrize("sample", EVERY)
def test_the_policy_forbids_everything_but_our_own_stylesheet(sample: Callable[[], ReportInput]):
    text = page(sample())
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    metas = [attributes for tag, attributes in Reader(text).tags if tag == "meta"]
    policies = [str(meta["content"]) for meta in metas if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policies == [html.policy(style[1])]
    assert "unsafe" not in policies[0]
    assert policies[0].startswith("default-src 'none'; script-src 'none'; style-src 'sha256-")


def test_no_template_switches_the_escaping_off():
    for template in html.TEMPLATES.rglob("*.html"):
        text = template.read_text(encoding="utf-8")
        assert "|safe" not in text.replace(" ", ""), template
        assert "autoescape" not in text, template
        assert not re.search(r"=\{\{", text), f"{template}: an attribute without quotes"


def test_hostile_text_stands_escaped_wherever_a_target_can_put_it():
    text = page(samples.failed())
    assert "&lt;script&gt;document.title=" in text
    assert "<script>" not in text
    assert "onerror=&#34;" in text
    assert "\u202e" not in text
    assert "\x1b" not in text
    assert "⟨U+202E⟩" in text


def test_the_same_run_gives_the_same_page():
    assert page(samples.failed()) == page(samples.failed())


def test_the_first_screen_comes_first():
    text = page(samples.failed())
    order = [
        text.index(mark)
        for mark in ("Do not ship", "Look at this first", "Could not be verified", 'aria-label="Gates"', 'id="gates"')
    ]
    assert order == sorted(order)


def test_all_rows_of_the_ledger_are_on_the_page():
    text = page(samples.unknown())
    assert all(f'<span class="id">{row.id}</span>' in text for row in samples.LEDGER)


def test_a_section_without_evidence_is_left_out_and_the_page_still_answers():
    text = page(samples.empty())
    assert 'id="load"' not in text
    assert "Not known: evidence is missing" in text
    assert "No gate was judged." in text


def test_a_typical_page_is_small():
    assert len(page(samples.failed()).encode()) < 400_000


def test_ten_thousand_findings_stay_under_five_megabytes_and_a_few_seconds():
    run = samples.many(10_000)
    start = time.process_time()
    size = len(page(run).encode())
    assert time.process_time() - start < 10
    assert size < 5_000_000


def _variables(block: str) -> dict[str, tuple[float, float, float]]:
    found = re.findall(r"--([a-z0-9-]+):\s*#([0-9a-f]{6})", block)
    return {name: tuple(int(value[n : n + 2], 16) / 255 for n in (0, 2, 4)) for name, value in found}  # type: ignore[misc]


def _contrast(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    """WCAG 2.2, relative luminance and contrast ratio."""

    def luminance(colour: tuple[float, float, float]) -> float:
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_can_be_read_on_every_ground(theme: int):
    style = (html.TEMPLATES / "style.css").read_text(encoding="utf-8")
    colours = _variables(re.findall(r":root \{(.*?)\}", style, re.DOTALL)[theme])
    pairs = [(text, ground) for text in ("ink", "soft", "link") for ground in ("paper", "card", "sunk")]
    pairs += [(tone, f"{tone}-bg") for tone in ("pass", "fail", "unknown", "skipped", "await", "deny")]
    pairs += [(tone, "card") for tone in ("pass", "fail", "unknown", "skipped", "await")]
    for text, ground in pairs:
        assert _contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
