"""Forms of pages that another site sends, on a platform that refuses them and on some that take them."""

from __future__ import annotations

import pytest

from harness.probes.endings import Ended
from harness.probes.exchange import Answer, World
from harness.probes.forms import forms_of
from harness.probes.page_forms import examine_page_forms
from harness.probes.scene import Scene
from tests.probes.board_server import DOCUMENT, board

PAGE = b"""<form method="post">
  <select name="stage"><option value="new">New<option value="won" selected>Won</select>
  <select name="sort"><option value="first"><option value="second"></select>
  <select name="size"><option>small<option selected>large</select>
  <textarea name="note">
as it is</textarea>
  <input type="checkbox" name="mail"><input type="checkbox" name="call" checked><input type="radio" name="r" value="1">
  <button type="button" name="no"><button name="do" value="x"><button name="do" value="y">
</form>"""


def examined(*defects: str) -> Ended:
    with board(*defects) as live, World(live) as world:
        (ended,) = examine_page_forms(Scene(world, DOCUMENT, 1))
    return ended


@pytest.mark.parametrize("defects", [(), ("no-same-site",), ("lists",), ("lists", "no-same-site")])
def test_a_form_that_asks_for_its_token_gives_no_finding_though_it_is_shown_again_as_it_was_sent(
    defects: tuple[str, ...],
) -> None:
    ended = examined(*defects)
    assert (ended.tried, ended.finding) == (True, None)


@pytest.mark.parametrize(
    ("defects", "how"),
    [
        (("token-off",), "without csrf"),
        (("token-any",), "with a wrong csrf"),
        (("no-token", "no-same-site"), "with Origin: https://elsewhere.example"),
        (("lists", "token-off"), "without csrf"),
        (("lists", "token-any"), "with a wrong csrf"),
        (("lists", "no-token", "no-same-site"), "with Origin: https://elsewhere.example"),
    ],
)
def test_a_form_that_is_taken_from_elsewhere_is_found(defects: tuple[str, ...], how: str) -> None:
    finding = examined(*defects).finding
    assert finding is not None
    assert (finding.rule, finding.operation, finding.cwe) == ("cookies.form-without-token", "POST /board", 352)
    assert how in finding.observed


def test_a_form_without_a_token_is_not_tried_where_the_browser_holds_the_cookie_back() -> None:
    ended = examined("no-token")
    assert (ended.tried, ended.finding) == (False, None)
    assert "SameSite" in ended.note


def test_a_form_is_sent_as_a_browser_would() -> None:
    page = Answer(200, content=PAGE)
    (form,) = forms_of(page)
    assert dict(form.filled()) == {"stage": "won", "sort": "first", "size": "large", "note": "as it is", "call": "on", "do": "x"}


def test_what_else_could_be_chosen_in_a_form_is_sent_as_a_browser_would() -> None:
    (form,) = forms_of(Answer(200, content=PAGE))
    choices = [("stage", "new"), ("sort", "second"), ("size", "small"), ("mail", "on"), ("call", ""), ("r", "1")]
    assert list(form.choices) == choices
    assert not any(form.has_chosen(name, value) for name, value in choices)
    for name, value in choices:
        chosen = form.choosing(name, value)
        assert chosen.has_chosen(name, value)
        assert dict(chosen.filled()).get(name, "") == value
