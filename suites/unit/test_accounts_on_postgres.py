"""Credentials on a real database: who gets in, and what ends it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from suites.unit.database import Services
from tpe.auth import sessions
from tpe.auth.errors import BadCredentialsError, WrongPasswordError
from tpe.auth.identity import Identity, Role
from tpe.auth.service import change_password, identity_of_token, revoke_token, verified_identity
from tpe.auth.tokens import TokenClaims, Tokens
from tpe.infra.problems import UnauthenticatedError
from tpe.seed.load import SeedError, seed_database

PARTNER, CONTRACTOR, ADMIN = "partner.two@example.test", "contractor.two@example.test", "admin.two@example.test"
NEW_PASSWORD = "Aa1" + secrets.token_hex(8)
TOKENS = Tokens(secrets.token_hex(64), timedelta(hours=1))


def enter(services: Services, role: Role = Role.PARTNER, email: str = PARTNER, password: str = "") -> Identity:
    return services.run(lambda: verified_identity(services.db, services.passwords, role, email, password or services.password))


def fresh_claims(identity: Identity) -> TokenClaims:
    return TOKENS.read(TOKENS.make(identity))


def is_valid(services: Services, claims: TokenClaims) -> bool:
    try:
        services.run(lambda: identity_of_token(services.db, claims))
    except UnauthenticatedError:
        return False
    return True


@pytest.fixture
def kept_account(services: Services) -> Iterator[None]:
    """Put the accounts back as they were."""
    stored = services.value("SELECT password_hash FROM partners WHERE email = %(email)s", email=PARTNER)
    yield
    services.write("UPDATE contractors SET password_hash = %(stored)s WHERE email = %(email)s", stored=stored, email=CONTRACTOR)
    services.write(
        "UPDATE partners SET password_hash = %(stored)s, is_active = true WHERE email = %(email)s", stored=stored, email=PARTNER
    )


@pytest.mark.parametrize(
    ("role", "email"),
    [(Role.PARTNER, PARTNER), (Role.PARTNER, " Partner.Two@EXAMPLE.test"), (Role.CONTRACTOR, CONTRACTOR), (Role.ADMIN, ADMIN)],
)
def test_the_right_password_lets_in(services: Services, role: Role, email: str) -> None:
    identity = enter(services, role, email)
    assert (identity.role, identity.email) == (role, email.strip().lower())


@pytest.mark.parametrize(
    ("role", "email"),
    [
        (Role.PARTNER, "nobody@example.test"),
        (Role.PARTNER, ADMIN),
        (Role.PARTNER, CONTRACTOR),
        (Role.CONTRACTOR, PARTNER),
        (Role.ADMIN, PARTNER),
        (Role.PARTNER, "' OR 1=1 --@example.test"),
        (Role.PARTNER, "%@example.test"),
    ],
)
def test_another_account_or_role_does_not(services: Services, role: Role, email: str) -> None:
    with pytest.raises(BadCredentialsError) as refusal:
        enter(services, role, email)
    assert str(refusal.value) == BadCredentialsError.default_message


def test_a_wrong_password_does_not(services: Services) -> None:
    with pytest.raises(BadCredentialsError):
        enter(services, password=services.password + "x")


@pytest.mark.usefixtures("kept_account")
def test_an_inactive_account_neither_logs_in_nor_goes_on(services: Services) -> None:
    identity = enter(services)
    claims = fresh_claims(identity)
    session = services.run(lambda: sessions.create(services.db, identity))
    services.write("UPDATE partners SET is_active = false WHERE email = %(email)s", email=PARTNER)
    with pytest.raises(BadCredentialsError):
        enter(services)
    assert not is_valid(services, claims)
    assert services.run(lambda: sessions.find(services.db, session.secret)) is None


def test_log_out_ends_its_own_token_only(services: Services) -> None:
    identity = enter(services)
    ended, other = fresh_claims(identity), fresh_claims(identity)
    services.run(lambda: revoke_token(services.db, ended))
    services.run(lambda: revoke_token(services.db, ended))
    assert (is_valid(services, ended), is_valid(services, other)) == (False, True)


def test_expired_revocations_are_dropped(services: Services) -> None:
    services.write("INSERT INTO revoked_tokens SELECT gen_random_uuid(), now() - interval '1 hour' FROM generate_series(1, 5)")
    claims = fresh_claims(enter(services))
    services.run(lambda: revoke_token(services.db, claims))
    assert services.value("SELECT count(*) FROM revoked_tokens WHERE expires_at < now()") == 0


@pytest.mark.parametrize("password", ["", "x", "\\N"])
def test_nobody_logs_in_as_a_contractor_that_has_not_registered(services: Services, password: str) -> None:
    email = services.value("SELECT email FROM contractors WHERE password_hash IS NULL ORDER BY id LIMIT 1")
    with pytest.raises(BadCredentialsError):
        enter(services, Role.CONTRACTOR, email, password)


@pytest.mark.parametrize(("role", "email"), [(Role.PARTNER, PARTNER), (Role.CONTRACTOR, CONTRACTOR)])
@pytest.mark.usefixtures("kept_account")
def test_a_new_password_ends_every_token_and_session_made_before(services: Services, role: Role, email: str) -> None:
    identity = enter(services, role, email)
    claims = fresh_claims(identity)
    session = services.run(lambda: sessions.create(services.db, identity))
    services.run(lambda: change_password(services.db, services.passwords, identity, services.password, NEW_PASSWORD))
    assert not is_valid(services, claims)
    assert services.run(lambda: sessions.find(services.db, session.secret)) is None
    with pytest.raises(BadCredentialsError):
        enter(services, role, email)
    assert is_valid(services, fresh_claims(enter(services, role, email, NEW_PASSWORD)))


@pytest.mark.usefixtures("kept_account")
def test_a_change_from_an_identity_that_has_ended_is_refused(services: Services) -> None:
    outdated = enter(services)
    services.run(lambda: change_password(services.db, services.passwords, outdated, services.password, NEW_PASSWORD))
    with pytest.raises(UnauthenticatedError):
        services.run(lambda: change_password(services.db, services.passwords, outdated, NEW_PASSWORD, services.password))


def test_a_change_needs_the_current_password(services: Services) -> None:
    identity = enter(services)
    with pytest.raises(WrongPasswordError):
        services.run(lambda: change_password(services.db, services.passwords, identity, "wrong", NEW_PASSWORD))
    assert enter(services) == identity


@pytest.mark.parametrize(("role", "email"), [(Role.PARTNER, PARTNER), (Role.CONTRACTOR, CONTRACTOR), (Role.ADMIN, ADMIN)])
def test_a_session_is_found_by_its_secret_until_it_is_ended(services: Services, role: Role, email: str) -> None:
    identity = enter(services, role, email)
    made = services.run(lambda: sessions.create(services.db, identity))
    found = services.run(lambda: sessions.find(services.db, made.secret))
    assert found == sessions.Session(identity, made.csrf_token, made.expires_at)
    assert abs(made.expires_at - datetime.now(UTC) - sessions.SESSION_LIFETIME) < timedelta(minutes=1)
    services.run(lambda: sessions.end(services.db, made.secret))
    assert services.run(lambda: sessions.find(services.db, made.secret)) is None


def test_every_session_has_a_secret_and_a_form_token_of_its_own(services: Services) -> None:
    identity = enter(services)
    made = [services.run(lambda: sessions.create(services.db, identity)) for _ in range(3)]
    assert len({session.secret for session in made} | {session.csrf_token for session in made}) == 6


def test_the_table_holds_no_secret(services: Services) -> None:
    identity = enter(services)
    made = services.run(lambda: sessions.create(services.db, identity))
    assert services.value("SELECT count(*) FROM sessions s WHERE s::text LIKE %(text)s", text=f"%{made.secret}%") == 0
    assert services.value("SELECT count(*) FROM sessions WHERE id_hash = %(hash)s", hash=sessions.hash_secret(made.secret)) == 1


def test_an_expired_session_is_not_found_and_is_dropped(services: Services) -> None:
    identity = enter(services)
    made = services.run(lambda: sessions.create(services.db, identity))
    services.write(
        "UPDATE sessions SET expires_at = now() - interval '1 second' WHERE id_hash = %(hash)s",
        hash=sessions.hash_secret(made.secret),
    )
    assert services.run(lambda: sessions.find(services.db, made.secret)) is None
    services.run(lambda: sessions.create(services.db, identity))
    assert services.value("SELECT count(*) FROM sessions WHERE id_hash = %(hash)s", hash=sessions.hash_secret(made.secret)) == 0


def test_a_database_with_data_is_not_seeded_again(services: Services) -> None:
    rows = services.value("SELECT count(*) FROM partners")
    with pytest.raises(SeedError, match="already holds data"):
        seed_database(services.conninfo, size="tiny", seed=1, password=NEW_PASSWORD)
    assert services.value("SELECT count(*) FROM partners") == rows
