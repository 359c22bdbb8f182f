"""Accounts that the harness makes itself: by sign-up, by SQL, with names and passwords of one run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import bcrypt
import psycopg
import pytest
from argon2 import PasswordHasher

from harness.databases import open_server
from harness.model.errors import PreflightError
from harness.model.target import Commands, Login, Role, SignUp, Target, User
from harness.targets.accounts import account_sql, sign_up, with_accounts
from harness.targets.arena import Arena, ArenaPlan
from harness.targets.live import Launch, database_environment, started
from harness.targets.template import Seeding, fill_database
from tests.targets_runtime.conftest import PASSWORD, SHOP, shop

LOGIN = Login("json", "/members-login", {"email": "{username}", "password": "{password}"}, token="$.data.token")
BODY = {"email": "{username}", "password": "{password}", "phone": "{unique}", "terms": {"accepted": True}}
USERS = (User("one", "one.{run}@example.test"), User("two", "two.{run}@example.test"))


def members(body: dict[str, object] | None = None) -> Target:
    role = Role("member", LOGIN, USERS, sign_up=SignUp("/members", body or BODY))
    return with_accounts(dataclasses.replace(shop(), roles=(role,), password_variable=""), PASSWORD)


def test_users_that_sign_up_log_in_with_the_runs_name_and_password(launch: Callable[..., Launch]) -> None:
    with started(members(), launch()) as live:
        assert sign_up(live, PASSWORD) == 2
        role = live.target.roles[0]
        assert role.users[0].username.endswith("@example.test")
        assert "{" not in role.users[0].username
        assert live.sign_in(role, role.users[1]).headers["Authorization"] == f"Bearer token-of-{role.users[1].username}"


def test_an_account_that_is_there_already_is_left_as_it_is(launch: Callable[..., Launch]) -> None:
    with started(members(), launch()) as live:
        assert [sign_up(live, PASSWORD), sign_up(live, PASSWORD)] == [2, 0]


def test_a_refused_sign_up_is_quoted_without_the_password(launch: Callable[..., Launch]) -> None:
    with started(members({**BODY, "terms": {"accepted": False}}), launch()) as live, pytest.raises(PreflightError) as caught:
        sign_up(live, PASSWORD)
    assert "sign-up of member one refused: POST /members with email, password, phone, terms answered 409" in str(caught.value)
    assert PASSWORD not in str(caught.value)
    assert "hint: check roles.member.sign_up" in str(caught.value)


def test_two_runs_have_names_of_their_own() -> None:
    runs = [with_accounts(dataclasses.replace(shop(), roles=members().roles), word) for word in ("one run", "another")]
    fresh = dataclasses.replace(shop(), roles=(Role("member", LOGIN, USERS, sign_up=SignUp("/members", BODY)),))
    names = [with_accounts(fresh, word).roles[0].users[0].username for word in ("one run", "another", "one run")]
    assert names[0] == names[2] != names[1]
    assert runs[0].roles == runs[1].roles  # what is filled in stays


FILE = """
title = "Shop"
environment = "local"
folder = "."
hosts = ["127.0.0.1"]
health_path = "/health"
[allow]
writes = true
[commands]
start = ["{{python}}", "{shop}", "good", "{{host}}", "{{port}}"]
{reset}
[roles.member]
users = [{{ name = "one", username = "one.{{run}}@example.test" }}]
[roles.member.login]
kind = "json"
path = "/members-login"
body = {{ email = "{{username}}", password = "{{password}}" }}
token = "$.data.token"
[roles.member.sign_up]
path = "/members"
body = {{ email = "{{username}}", password = "{{password}}", phone = "{{unique}}", terms = {{ accepted = true }} }}
"""


def test_each_target_without_a_template_signs_its_users_up_and_is_reset_first(tmp_path: Path) -> None:
    reset = "reset = [\"{python}\", \"-c\", \"open('resets', 'a').write('{size} {seed};')\"]"
    (tmp_path / "shop.toml").write_text(FILE.format(shop=SHOP, reset=reset))
    arena = Arena(ArenaPlan(tmp_path / "shop.toml", tmp_path / "logs", password=PASSWORD, size="small", seed=7))
    for _ in range(2):
        with arena.fresh("stage") as live:
            role = live.target.roles[0]
            assert live.sign_in(role, role.users[0]).headers
    assert (tmp_path / "resets").read_text() == "small 7;small 7;"
    assert not arena.isolated  # what reset puts back is one and the same for all


SCHEMA = "create table users (email text primary key, hash text not null, modern text, plain text); create table t (n int);"
SEED_SQL = (
    "insert into users values ('{username}', '{password_bcrypt}', '{password_argon2}', '{password_sha256}'); "
    "insert into t values ({unique} % 7); insert into t select 1000 where '{name}' = 'two'"
)


def by_sql(folder: Path, *, schema: str = SCHEMA, seed: str = "insert into t select generate_series(1, 3)") -> Target:
    (folder / "schema.sql").write_text(schema)
    (folder / "seed.sql").write_text(seed)
    return dataclasses.replace(
        shop(),
        roles=(
            Role("buyer", LOGIN, (User("one", "o'one@example.test"), User("two", "two.{run}@example.test")), seed_sql=SEED_SQL),
        ),
        commands=Commands(start=shop().commands.start),
        database_variables={
            "PGHOST": "{db_host}",
            "PGPORT": "{db_port}",
            "JDBC": "jdbc:postgresql://{db_host}:{db_port}/{db_name}",
        },
        schema_files=(folder / "schema.sql",),
        seed_files=(folder / "seed.sql",),
        password_variable="",
    )


def test_sql_makes_schema_rows_and_accounts_with_hashes_of_the_runs_password(tmp_path: Path) -> None:
    with open_server("embedded", tmp_path / "database") as server:
        dsn = server.create("filled")
        took = fill_database(by_sql(tmp_path), Seeding(dsn, "small", 7, PASSWORD, tmp_path))
        with psycopg.connect(dsn) as connection:
            users = connection.execute("SELECT email, hash, modern, plain FROM users ORDER BY email").fetchall()
            assert connection.execute("SELECT count(*), count(*) FILTER (WHERE n = 1000) FROM t").fetchone() == (6, 1)
    assert list(took) == ["schema", "seed files", "accounts"]
    assert users[0][0] == "o'one@example.test"
    assert bcrypt.checkpw(PASSWORD.encode(), users[0][1].encode())
    assert PasswordHasher().verify(users[1][2], PASSWORD)
    assert users[0][3] == users[1][3] != PASSWORD


@pytest.mark.parametrize(
    ("schema", "said", "hint"),
    [
        ("create table users (;", "schema.sql: syntax error", "run on the new, empty database"),
        ("\\connect other\n", "schema.sql: syntax error", "pg_dump --inserts"),
    ],
)
def test_sql_that_is_refused_is_named_with_its_file(tmp_path: Path, schema: str, said: str, hint: str) -> None:
    with open_server("embedded", tmp_path / "database") as server:
        dsn = server.create("filled")
        with pytest.raises(PreflightError, match=said) as caught:
            fill_database(by_sql(tmp_path, schema=schema), Seeding(dsn, "small", 7, PASSWORD, tmp_path))
    assert hint in str(caught.value)


def test_the_same_statements_are_made_for_every_user(tmp_path: Path) -> None:
    texts = dict(account_sql(with_accounts(by_sql(tmp_path), PASSWORD), PASSWORD))
    assert list(texts) == ["roles.buyer.seed_sql for one", "roles.buyer.seed_sql for two"]
    assert "'o''one@example.test'" in texts["roles.buyer.seed_sql for one"]
    assert PASSWORD not in "".join(texts.values())


def test_every_user_of_an_api_key_has_one_of_its_own(tmp_path: Path) -> None:
    target = by_sql(tmp_path)
    login = Login("api_key", header="X-API-Key", value="{password}")
    keyed = dataclasses.replace(target, roles=tuple(dataclasses.replace(role, login=login) for role in target.roles))
    keys = [[user.password for user in with_accounts(keyed, word).roles[0].users] for word in (PASSWORD, PASSWORD, "another run")]
    assert len({*keys[0], *keys[2]}) == 4
    assert keys[0] == keys[1]
    assert [user.password for user in with_accounts(target, PASSWORD).roles[0].users] == [PASSWORD, PASSWORD]


def test_the_databases_address_comes_in_the_shapes_that_the_file_asks_for(tmp_path: Path) -> None:
    target = dataclasses.replace(by_sql(tmp_path), database_variable="DATABASE_URL")
    dsn = "postgresql://target:p%40ss@127.0.0.1:5433/clone_1"
    seen = database_environment(target, dsn)
    assert seen == {
        "DATABASE_URL": dsn,
        "PGHOST": "127.0.0.1",
        "PGPORT": "5433",
        "JDBC": "jdbc:postgresql://127.0.0.1:5433/clone_1",
    }
    password = dataclasses.replace(target, database_variables={"PGPASSWORD": "{db_password}"})
    assert database_environment(password, dsn)["PGPASSWORD"] == "p@ss"
