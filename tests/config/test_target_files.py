"""Target files: the reference target is read, and contradictions are refused with the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.config.targets import is_loopback, read_target
from harness.model.errors import ConfigError
from harness.model.target import Environment, Target

PROJECT = Path(__file__).resolve().parents[2]

GOOD = """
title = "Shop"
environment = "staging"
folder = ".."
hosts = ["shop.example.test"]
base_url = "https://shop.example.test"
[allow]
writes = true
[roles.buyer.login]
kind = "json"
path = "/login"
body = { email = "{username}", password = "{password}" }
token = "$.token"
[[roles.buyer.users]]
name = "one"
username = "one@example.test"
password = "${BUYER_PASSWORD}"
"""


def read(folder: Path, text: str, environ: dict[str, str] | None = None) -> Target:
    path = folder / "shop.toml"
    path.write_text(text)
    return read_target(path, environ={"BUYER_PASSWORD": "made-up"} if environ is None else environ)


def refusal(folder: Path, old: str, new: str) -> str:
    assert old in GOOD
    with pytest.raises(ConfigError) as caught:
        read(folder, GOOD.replace(old, new))
    return str(caught.value)


def test_the_reference_target_is_read() -> None:
    target = read_target(PROJECT / "targets" / "reference.toml")
    assert target.name == "reference"
    assert target.folder == PROJECT
    assert target.document == PROJECT / "targets" / "reference.openapi.yaml"
    assert target.role_names == ("partner", "contractor", "admin", "machine")
    assert [user.username for user in target.role("partner").users] == ["partner.one@example.test", "partner.two@example.test"]
    assert target.hint("POST /api/partner-auth/logout").destructive


def test_a_staging_target_is_read_with_its_secret(tmp_path: Path) -> None:
    target = read(tmp_path, GOOD)
    assert target.environment is Environment.STAGING
    assert target.folder == tmp_path.parent
    assert target.role("buyer").users[0].password == "made-up"
    assert "made-up" not in repr(target)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('title = "Shop"', 'titel = "Shop"', 'did you mean "title"'),
        ('environment = "staging"', 'environment = "stagin"', 'did you mean "staging"'),
        ('environment = "staging"', 'environment = "local"', 'environment = "local" means this machine'),
        ('hosts = ["shop.example.test"]', "hosts = []", "hosts: is empty"),
        ('hosts = ["shop.example.test"]', 'hosts = ["*.example.test"]', "wanted a host name or address"),
        ('hosts = ["shop.example.test"]', 'hosts = ["other.example.test"]', 'its host "shop.example.test" is not in hosts'),
        ('base_url = "https://shop.example.test"', "", "neither base_url nor commands.start"),
        ('"https://shop.example.test"', '"https://shop.example.test/api"', "wanted scheme, host and port only"),
        ('kind = "json"', 'kind = "jason"', 'did you mean "json"'),
        ('path = "/login"', 'path = "login"', "wanted the path that logs in"),
        ('token = "$.token"', "", "token or cookie is needed"),
        ('"{username}"', '"{user}"', "unknown placeholder {user}"),
        ('password = "${BUYER_PASSWORD}"', "", "one has no password and password_variable is not set"),
        ('password = "${BUYER_PASSWORD}"', 'password = "${SELLER_PASSWORD}"', "the environment has no SELLER_PASSWORD"),
        ("[allow]", '[commands]\nstart = ["x"]\n[allow]', "both base_url and commands.start"),
        ("[allow]", '[commands]\nstart = ["x"]\n[allow]', "has no {port}"),
        ("[allow]", '[commands]\nmigrate = ["x"]\n[allow]', "need database_variable"),
        ("[allow]", '[variables]\nKEY = "{secrets}"\n[allow]', "unknown placeholder {secrets}"),
        ("[allow]", '[[operations]]\noperation = "GET x"\n[allow]', "wanted a method and a path"),
        ("[allow]", '[[operations]]\noperation = "GET /x"\nroles = ["byer"]\n[allow]', 'unknown role "byer"'),
        (
            "[allow]",
            '[[operations]]\noperation = "GET /x"\n[[operations]]\noperation = "GET /x"\n[allow]',
            "GET /x is there twice",
        ),
        ("[allow]", "[limits]\nrequests = -1\nwindow_s = 60\n[allow]", "limits.requests: got -1, wanted at least 1"),
        ("[allow]", "[limits]\nrequests = 100\n[allow]", "limits.window_s: got 0, wanted more than 0"),
        ("[allow]", '[limits]\nexempt = ["health"]\n[allow]', 'limits.exempt: got "health", wanted a path that starts with "/"'),
        (
            "[allow]",
            '[codes.reset]\nstart = "POST /forgot"\nconfirm = "reset"\n[allow]',
            'codes.reset.confirm: got "reset", wanted a method and a path',
        ),
        (
            "[allow]",
            '[codes.reset]\nstart = "POST /a"\nconfirm = "POST /b"\nlog_pattern = "code"\n[allow]',
            "has 0 groups, wanted one",
        ),
        (
            "[allow]",
            '[codes.reset]\nstart = "POST /a"\nconfirm = "POST /b"\nlog_pattern = "("\n[allow]',
            "is no regular expression",
        ),
        ("[allow]", 'schema_files = ["a.sql"]\n[allow]', "schema_files: needs database_variable"),
        ("[allow]", 'database_variable = "X"\nseed_files = ["a.sql"]\n[allow]', "seed_files: there is no file"),
        ("[allow]", 'database_variable = "X"\n[allow]', "only a target that is started here gets a database"),
        ("[allow]", 'database_variables = { A = "{db_hots}" }\n[allow]', 'did you mean "db_host"'),
        (
            "[roles.buyer.login]",
            '[roles.buyer]\nseed_sql = "x"\n[roles.buyer.login]',
            "roles.buyer.seed_sql: needs database_variable",
        ),
        (
            "writes = true",
            "\n[roles.buyer.sign_up]\npath = '/x'\nbody = {}",
            "sign_up: makes accounts, and allow.writes is not set",
        ),
        (
            "[roles.buyer.login]",
            "[roles.buyer.sign_up]\npath = 'x'\nbody = {}\n[roles.buyer.login]",
            'sign_up.path: got "x", wanted the path that makes an account',
        ),
        (
            "[roles.buyer.login]",
            "[roles.buyer.sign_up]\npath = '/x'\nbody = { a = { b = ['{usernam}'] } }\n[roles.buyer.login]",
            "sign_up.body.a.b[0]: unknown placeholder {usernam}",
        ),
        ('username = "one@example.test"', 'username = "{run}@x"', "{run} is for accounts that sign_up or seed_sql makes"),
        ('username = "one@example.test"', 'username = "{unique}@x"', "unknown placeholder {unique}"),
        ('path = "/login"', 'path = "/login"\npage = "login"', 'login.page: got "login"'),
        ('path = "/login"', 'path = "/login"\npage_token = "csrf"', "login.page_token: needs page"),
        ("[allow]", "[[objects]]\nname = 'o'\nrole = 'byer'\nparameters = ['id']\n[allow]", 'did you mean "buyer"'),
        ("[allow]", "[[objects]]\nname = 'o'\nrole = 'buyer'\nparameters = []\n[allow]", "objects.o.parameters: is empty"),
        ("[allow]", "[[objects]]\nname = 'o'\nrole = 'buyer'\nparameters = ['id']\n[allow]", "no object is known"),
        (
            "[allow]",
            "[[objects]]\nname = 'o'\nrole = 'buyer'\nparameters = ['id']\nlist_path = '/p/{p}'\nid_path = '$[*].id'\n[allow]",
            'list_path: got "/p/{p}", wanted a path without a parameter',
        ),
        (
            "[allow]",
            "[[objects]]\nname = 'o'\nrole = 'buyer'\nparameters = ['id']\nexamples = { one = [1] }\n"
            "[[objects]]\nname = 'q'\nrole = 'buyer'\nparameters = ['id']\nexamples = { one = [2] }\n[allow]",
            'objects: "id" is a parameter of several: o, q',
        ),
        (
            "[allow]",
            "[[objects]]\nname = 'o'\nrole = 'buyer'\nparameters = ['id']\nlist_path = '/o'\n[allow]",
            "list_path and id_path: one without the other",
        ),
        (
            "[allow]",
            "[[objects]]\nname = 'o'\nrole = 'buyer'\nparameters = ['id']\nexamples = { noe = [1] }\n[allow]",
            'examples: unknown user "noe" of buyer',
        ),
        ("[allow]", "start_timeout_s = 0\n[allow]", "start_timeout_s: got 0.0, wanted more than 0"),
        ("[allow]", 'health_path = "health"\n[allow]', "wanted a path that starts with"),
        ('title = "Shop"', 'title = "Shop', "is not TOML"),
        ('title = "Shop"', 'title = "Shop"\nname = "store"', "wanted the file's own"),
    ],
)
def test_a_contradiction_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    message = refusal(tmp_path, old, new)
    assert said in message
    assert "shop.toml: " in message


def test_a_key_for_a_header_log_in_may_be_each_users_own(tmp_path: Path) -> None:
    login = 'kind = "api_key"\nheader = "X-Api-Key"\nvalue = "{password}"\n[[roles'
    text = GOOD[: GOOD.index("kind =")] + login + GOOD[GOOD.index("[[roles") + 7 :]
    assert read(tmp_path, text).role("buyer").login.value == "{password}"


def test_a_header_log_in_without_a_value_is_refused(tmp_path: Path) -> None:
    assert "value: is needed for the kind header" in refusal(tmp_path, 'kind = "json"', 'kind = "header"')


def test_limits_are_read_and_an_exempt_folder_stands_for_all_under_it(tmp_path: Path) -> None:
    limits = '[limits]\nrequests = 100\nwindow_s = 900\nexempt = ["/health", "/static/"]\n[allow]'
    read_limits = read(tmp_path, GOOD.replace("[allow]", limits)).limits
    assert (read_limits.requests, read_limits.window_s, read_limits.log_in_attempts) == (100, 900.0, 0)
    assert [read_limits.exempts(path) for path in ("/health", "/static/a.css", "/healthy", "/static", "/")] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.toml: cannot be read: No such file"):
        read_target(tmp_path / "nothing.toml")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "[::1]", "localhost"])
def test_loopback_hosts(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["10.0.0.1", "example.test", "0.0.0.0", "localhost.example.test", ""])
def test_other_hosts_are_not_loopback(host: str) -> None:
    assert not is_loopback(host)


def test_an_object_may_be_given_by_example(tmp_path: Path) -> None:
    text = "[[objects]]\nname = 'o'\nrole = 'buyer'\nparameters = ['id']\nexamples = { one = [17, 'x'] }\n[allow]"
    (kind,) = read(tmp_path, GOOD.replace("[allow]", text)).objects
    assert kind.examples == {"one": (17, "x")}


def test_the_bodies_of_a_log_in_are_filled_however_deep_they_are(tmp_path: Path) -> None:
    nested = 'body = { user = { email = "{username}", words = ["{password}", 7] }, page = "{page_token}" }'
    target = read(tmp_path, GOOD.replace('body = { email = "{username}", password = "{password}" }', nested))
    filled = target.roles[0].login.body_for("me", "secret", "t")
    assert filled == {"user": {"email": "me", "words": ["secret", 7]}, "page": "t"}
