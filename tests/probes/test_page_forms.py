"""Forms of pages that another site sends, on a platform that refuses them and on some that take them."""

from __future__ import annotations

import pytest

from harness.probes.http.answers import Answer
from harness.probes.http.exchange import World
from harness.probes.http.forms import Field, Form, forms_of
from harness.probes.http.pages import Browsing
from harness.probes.scene.form_values import completed
from harness.probes.scene.scene import Scene
from harness.probes.sessions.endings import Ended
from harness.probes.sessions.page_forms import examine_page_forms
from harness.probes.sessions.sighted_forms import Sighted, shuts, writing_forms
from tests.probes.servers.board_server import DOCUMENT, board

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


@pytest.mark.parametrize("defects", [(), ("no-same-site",), ("lists",), ("lists", "no-same-site"), ("demands",)])
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
        (("demands", "token-off"), "without csrf"),
    ],
)
def test_a_form_that_is_taken_from_elsewhere_is_found(defects: tuple[str, ...], how: str) -> None:
    finding = examined(*defects).finding
    assert finding is not None
    assert (finding.rule, finding.operation, finding.cwe) == ("cookies.form-without-token", "POST /board", 352)
    assert how in finding.observed


def pressed(*defects: str) -> Ended:
    with board("buttons", *defects) as live, World(live) as world:
        return next(each for each in examine_page_forms(Scene(world, DOCUMENT, 1)) if each.operation == "POST /board/{}/close")


@pytest.mark.parametrize("defects", [(), ("no-same-site",)])
def test_a_button_that_asks_for_its_token_gives_no_finding(defects: tuple[str, ...]) -> None:
    ended = pressed(*defects)
    assert (ended.tried, ended.finding) == (True, None)


@pytest.mark.parametrize(
    ("defects", "how"),
    [
        (("token-off",), "without csrf"),
        (("token-any",), "with a wrong csrf"),
        (("no-token", "no-same-site"), "with Origin: https://elsewhere.example"),
    ],
)
def test_a_button_that_is_pressed_from_elsewhere_is_found(defects: tuple[str, ...], how: str) -> None:
    finding = pressed(*defects).finding
    assert finding is not None
    assert (finding.rule, finding.operation) == ("cookies.form-without-token", "POST /board/{}/close")
    assert how in finding.observed
    assert "stood on its page no more" in finding.observed


@pytest.mark.parametrize(
    ("defect", "why"), [("stays", "still stands on its page"), ("tells-time", "does not stand on its page any more")]
)
def test_a_button_whose_form_proves_nothing_is_not_judged(defect: str, why: str) -> None:
    ended = pressed(defect, "token-off")
    assert (ended.tried, ended.finding) == (False, None)
    assert why in ended.note


@pytest.mark.parametrize(
    ("form", "is_pressed"),
    [
        ('action="/orders/7/cancel"><button>Cancel</button>', True),
        ('action="/orders/7/close"><input type="hidden" name="version" value="3">', True),
        ('action="/account/close">', False),
        ('action="/users/7/disable">', False),
        ('action="/users/7/reset-password">', False),
        ('action="/members/7/revoke">', False),
        ('action="/account/cancel">', False),
        ('action="/sign_out">', False),
        ('action="/session/end">', False),
        ('action="/admin/wipe">', False),
        ('action="/staff"><input type="hidden" name="id" value="7"><input type="hidden" name="active" value="false">', False),
        ('action="/orders/7/rate"><input type="radio" name="stars" value="1">', False),
    ],
)
def test_what_may_be_pressed_is_told_by_its_words(form: str, is_pressed: bool) -> None:
    page = Answer(200, (("Content-Type", "text/html"),), f'<form method="post" {form}</form>'.encode())
    with board() as live, World(live) as world:
        scene = Scene(world, DOCUMENT, 1)
        (sighted,) = writing_forms(Browsing(world), scene.roles[0], "/here", page)
    assert sighted.is_pressed is is_pressed


@pytest.mark.parametrize("name", ["_csrf", "post[_token]", "_token", "_wpnonce", "sesskey", "form_token", "__VIEWSTATE"])
def test_tokens_are_known_by_their_usual_names(name: str) -> None:
    fields = (Field(name, "hidden", "a1"), Field("token_of_esteem", "hidden", "b2"), Field("note", "text"))
    with board() as live, World(live) as world:
        sighted = Sighted(Scene(world, DOCUMENT, 1).roles[0], "/here", "/notes", Form("/notes", "POST", fields))
    assert sighted.tokens == (name,)


def test_a_form_with_nothing_left_to_choose_is_not_called_guarded() -> None:
    ended = examined("lists", "one-way", "token-off")
    assert (ended.tried, ended.finding) == (False, None)
    assert "nothing else is left to choose in title" in ended.note


def test_the_hidden_field_beside_a_box_is_left_alone() -> None:
    fields = b'<input type="hidden" name="mail" value="0"><input type="checkbox" name="mail" value="1" checked>'
    (form,) = forms_of(Answer(200, content=b'<form method="post">' + fields + b"</form>"))
    assert list(form.choices) == [("mail", "")]
    emptied = form.choosing("mail", "")
    assert emptied.filled() == [("mail", "0")]
    assert (form.has_chosen("mail", ""), emptied.has_chosen("mail", "")) == (False, True)


@pytest.mark.parametrize(
    ("name", "value", "does"),
    [
        ("blocked", "on", True),
        ("form-0-DELETE", "on", True),
        ("is_active", "0", True),
        ("active", "", True),
        ("stage", "won", False),
    ],
)
def test_choices_that_end_an_account_are_known_by_name_and_value(name: str, value: str, does: bool) -> None:
    assert shuts(name, value) is does


def test_a_form_without_a_token_is_not_tried_where_the_browser_holds_the_cookie_back() -> None:
    ended = examined("no-token")
    assert (ended.tried, ended.finding) == (False, None)
    assert "SameSite" in ended.note


def test_a_form_is_sent_as_a_browser_would() -> None:
    page = Answer(200, content=PAGE)
    (form,) = forms_of(page)
    assert dict(form.filled()) == {"stage": "won", "sort": "first", "size": "large", "note": "as it is", "call": "on", "do": "x"}


def test_what_a_page_leaves_empty_is_filled_in_with_what_it_demands_and_knows() -> None:
    fields = (
        b'<input type="number" name="recipient_id"><input type="number" name="seats"><input type="date" name="from">'
        b'<input type="date" name="to"><input type="email" name="mail"><input name="said" value="as it was">'
    )
    (form,) = forms_of(Answer(200, content=b'<form method="post">' + fields + b"</form>"))
    first, second = (dict(completed(form, lambda: {"recipient_id": (7, 9)}, turn).filled()) for turn in (0, 1))
    assert (first["recipient_id"], second["recipient_id"], first["seats"], first["said"]) == ("7", "9", "1", "as it was")
    assert first["from"] < first["to"] != second["to"]
    assert first["mail"].endswith("@example.test")


def test_only_what_is_required_is_filled_in_where_a_page_tells() -> None:
    fields = b'<input name="title" required><input name="voucher"><input type="radio" name="size" value="s" required>'
    (form,) = forms_of(Answer(200, content=b'<form method="post">' + fields + b"</form>"))
    sent = dict(completed(form, dict, 0).filled())
    assert (sent["voucher"], sent["size"]) == ("", "s")
    assert sent["title"].startswith("zq")


def test_what_else_could_be_chosen_in_a_form_is_sent_as_a_browser_would() -> None:
    (form,) = forms_of(Answer(200, content=PAGE))
    choices = [("stage", "new"), ("sort", "second"), ("size", "small"), ("mail", "on"), ("call", ""), ("r", "1")]
    assert list(form.choices) == choices
    assert not any(form.has_chosen(name, value) for name, value in choices)
    for name, value in choices:
        chosen = form.choosing(name, value)
        assert chosen.has_chosen(name, value)
        assert dict(chosen.filled()).get(name, "") == value
