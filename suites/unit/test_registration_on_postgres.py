"""Registering as a contractor on a real database: who gets in, who does not, and what nobody learns."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from uuid import UUID, uuid4

import anyio
import pytest

from suites.unit.database import Services
from tpe.auth.errors import PasswordRefusedError
from tpe.auth.identity import Identity, Role
from tpe.auth.service import verified_identity
from tpe.contractors.errors import CodeRefusedError, TooManyCodesError
from tpe.contractors.registration import (
    CODES_A_DAY_MAX,
    RESEND_AFTER,
    TRIES_MAX,
    Applicant,
    finish_registration,
    start_registration,
)
from tpe.infra.problems import UnavailableError
from tpe.messaging.texts import ConsoleTextMessages, NoTextMessages, TextMessages, text_messages

PASSWORD = "Aa1" + secrets.token_hex(8)
_NUMBERS = count(1)


@dataclass
class Phones:
    """Every phone there is: keeps what was sent."""

    sent: list[tuple[str, str]] = field(default_factory=list)

    async def send(self, phone: str, text: str) -> None:
        self.sent.append((phone, text))

    def code(self) -> str:
        """The code of the newest message."""
        found = re.match(r"[0-9]{6}", self.sent[-1][1])
        assert found is not None, self.sent[-1]
        return found[0]


@pytest.fixture
def phones() -> Phones:
    return Phones()


def applicant(email: str = "", phone: str = "") -> Applicant:
    """Somebody whom no other test knows."""
    number = next(_NUMBERS)
    return Applicant(
        "Some One", email or f"new{number}.{secrets.token_hex(4)}@example.test", phone or f"+1 202 777 {number:04}", "One"
    )


def start(services: Services, messages: TextMessages, who: Applicant) -> UUID:
    return services.run(lambda: start_registration(services.db, services.passwords, messages, who))


def finish(services: Services, registration: UUID, code: str, password: str = PASSWORD) -> Identity:
    return services.run(lambda: finish_registration(services.db, services.passwords, registration, code, password))


def refused(services: Services, registration: UUID, code: str) -> str:
    with pytest.raises(CodeRefusedError) as refusal:
        finish(services, registration, code)
    return str(refusal.value)


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def age(services: Services, registration: UUID, seconds: float) -> None:
    """Make a registration older."""
    services.write(
        "UPDATE contractor_registrations SET created_at = created_at - %(age)s, expires_at = expires_at - %(age)s"
        " WHERE id = %(id)s",
        id=registration,
        age=timedelta(seconds=seconds),
    )


def test_whoever_has_the_code_gets_an_account(services: Services, phones: Phones) -> None:
    who = applicant()
    registration = start(services, phones, who)
    assert phones.sent[-1][0] == who.phone
    made = finish(services, registration, phones.code())
    assert (made.role, made.email, made.name) == (Role.CONTRACTOR, who.email, who.name)
    again = services.run(lambda: verified_identity(services.db, services.passwords, Role.CONTRACTOR, who.email.upper(), PASSWORD))
    assert again == made


def test_a_code_works_once(services: Services, phones: Phones) -> None:
    registration = start(services, phones, applicant())
    finish(services, registration, phones.code())
    assert refused(services, registration, phones.code()) == CodeRefusedError.default_message


def test_of_two_who_send_the_code_at_once_one_gets_the_account(services: Services, phones: Phones) -> None:
    registration = start(services, phones, applicant())
    made: list[Identity] = []
    lost: list[CodeRefusedError] = []

    async def one() -> None:
        try:
            made.append(await finish_registration(services.db, services.passwords, registration, phones.code(), PASSWORD))
        except CodeRefusedError as error:
            lost.append(error)

    async def both() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(one)
            group.start_soon(one)

    services.run(both)
    assert (len(made), len(lost)) == (1, 1)


def test_a_code_is_locked_after_five_tries_and_not_before(services: Services, phones: Phones) -> None:
    kept, locked = start(services, phones, applicant()), None
    code = phones.code()
    for _ in range(TRIES_MAX - 1):
        refused(services, kept, other_than(code))
    assert finish(services, kept, code).role is Role.CONTRACTOR
    locked = start(services, phones, applicant())
    code = phones.code()
    for _ in range(TRIES_MAX):
        refused(services, locked, other_than(code))
    assert refused(services, locked, code) == CodeRefusedError.default_message


def test_tries_at_the_same_moment_all_count(services: Services, phones: Phones) -> None:
    registration = start(services, phones, applicant())

    async def guess() -> None:
        with pytest.raises(CodeRefusedError):
            await finish_registration(services.db, services.passwords, registration, other_than(phones.code()), PASSWORD)

    async def all_at_once() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(TRIES_MAX):
                group.start_soon(guess)

    services.run(all_at_once)
    refused(services, registration, phones.code())


@pytest.mark.parametrize(("seconds", "valid"), [(10 * 60 - 5, True), (10 * 60 + 1, False)])
def test_a_code_is_valid_for_ten_minutes(services: Services, phones: Phones, seconds: int, *, valid: bool) -> None:
    registration = start(services, phones, applicant())
    age(services, registration, seconds)
    if valid:
        finish(services, registration, phones.code())
    else:
        refused(services, registration, phones.code())


def test_the_database_holds_no_code(services: Services, phones: Phones) -> None:
    registration = start(services, phones, applicant())
    row = services.value("SELECT r::text FROM contractor_registrations r WHERE id = %(id)s", id=registration)
    assert phones.code() not in row
    assert "$argon2id$" in row


def test_an_unknown_registration_is_refused_as_a_wrong_code(services: Services) -> None:
    assert refused(services, uuid4(), "123456") == CodeRefusedError.default_message


@pytest.mark.parametrize("password", ["short1A", "nocapital1", "NOSMALL1", "NoDigits"])
def test_a_password_that_breaks_the_rules_is_no_try(services: Services, phones: Phones, password: str) -> None:
    registration = start(services, phones, applicant())
    for _ in range(TRIES_MAX + 1):
        with pytest.raises(PasswordRefusedError) as refusal:
            finish(services, registration, phones.code(), password)
        assert {error.field for error in refusal.value.errors} == {"password"}
    finish(services, registration, phones.code())


# ------------------------------------------------------------------------------------- who has an account, and who is on record


def test_who_has_an_account_is_told_on_its_own_phone_and_nobody_else_learns_it(services: Services, phones: Phones) -> None:
    email = "contractor.two@example.test"
    own = services.value("SELECT phone FROM contractors WHERE email = %(email)s", email=email)
    stored = services.value("SELECT password_hash FROM contractors WHERE email = %(email)s", email=email)
    registration = start(services, phones, applicant(email.upper()))
    phone, text = phones.sent[-1]
    assert phone == own
    assert "You have an account" in text
    assert re.search("[0-9]{6}", text) is None
    assert isinstance(registration, UUID)
    refused(services, registration, "123456")
    assert services.value("SELECT password_hash FROM contractors WHERE email = %(email)s", email=email) == stored


def test_who_is_on_record_gets_the_code_on_the_phone_on_record(services: Services, phones: Phones) -> None:
    who = "FROM contractors WHERE password_hash IS NULL AND is_active ORDER BY id DESC LIMIT 1"
    email, own = services.value(f"SELECT email {who}"), services.value(f"SELECT phone {who}")
    before = services.value("SELECT count(*) FROM contractors")
    registration = start(services, phones, applicant(email))
    assert phones.sent[-1][0] == own
    made = finish(services, registration, phones.code())
    assert made.email == email
    assert services.value("SELECT count(*) FROM contractors") == before


def test_an_account_that_came_into_being_meanwhile_is_not_taken_over(services: Services, phones: Phones) -> None:
    who = applicant()
    first = start(services, phones, who)
    code = phones.code()
    age(services, first, RESEND_AFTER.total_seconds())
    second = start(services, phones, who)
    made = finish(services, second, phones.code())
    refused(services, first, code)
    assert services.run(lambda: verified_identity(services.db, services.passwords, Role.CONTRACTOR, who.email, PASSWORD)) == made


# ------------------------------------------------------------------------------------------------------------------- limits


def test_the_next_code_is_sent_after_a_minute_and_not_before(services: Services, phones: Phones) -> None:
    who = applicant()
    first = start(services, phones, who)
    with pytest.raises(TooManyCodesError) as refusal:
        start(services, phones, who)
    assert 0 < int(refusal.value.headers["Retry-After"]) <= RESEND_AFTER.total_seconds()
    assert len(phones.sent) == 1
    age(services, first, RESEND_AFTER.total_seconds())
    start(services, phones, who)
    assert len(phones.sent) == 2


@pytest.mark.parametrize("kind", ["email", "phone"])
def test_an_address_and_a_number_get_five_codes_a_day(services: Services, phones: Phones, kind: str) -> None:
    who = applicant()
    for turn in range(CODES_A_DAY_MAX + 1):
        spelled = who.phone if turn % 2 else who.phone.replace(" ", "-")
        other = applicant(email=who.email) if kind == "email" else applicant(phone=spelled)
        if turn == CODES_A_DAY_MAX:
            with pytest.raises(TooManyCodesError, match="tomorrow"):
                start(services, phones, other)
        else:
            age(services, start(services, phones, other), RESEND_AFTER.total_seconds())
    assert len(phones.sent) == CODES_A_DAY_MAX


def test_requests_at_the_same_moment_are_limited_too(services: Services, phones: Phones) -> None:
    who = applicant()

    async def ask() -> None:
        try:
            await start_registration(services.db, services.passwords, phones, who)
        except TooManyCodesError:
            return

    async def all_at_once() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(ask)

    services.run(all_at_once)
    assert len(phones.sent) == 1


def test_an_address_with_an_account_is_limited_like_any_other(services: Services, phones: Phones) -> None:
    start(services, phones, applicant("contractor.one@example.test"))
    with pytest.raises(TooManyCodesError, match="a moment ago"):
        start(services, phones, applicant("contractor.one@example.test"))


def test_what_was_a_day_ago_is_dropped_with_its_people(services: Services, phones: Phones) -> None:
    old = start(services, phones, applicant())
    age(services, old, 86_400 + 10 * 60)
    start(services, phones, applicant())
    assert services.value("SELECT count(*) FROM contractor_registrations WHERE id = %(id)s", id=old) == 0


# ------------------------------------------------------------------------------------------------------------------ senders


def test_without_a_sender_a_registration_is_refused_as_unavailable(services: Services) -> None:
    with pytest.raises(UnavailableError, match="Text messages"):
        start(services, NoTextMessages(), applicant())


def test_the_console_prints_the_message(capsys: pytest.CaptureFixture[str]) -> None:
    anyio.run(ConsoleTextMessages().send, "+1 202 555 0104", "hello")
    assert capsys.readouterr().err == "text message to +1 202 555 0104: hello\n"


def test_the_setting_names_the_sender() -> None:
    assert isinstance(text_messages("console"), ConsoleTextMessages)
    assert isinstance(text_messages("off"), NoTextMessages)
