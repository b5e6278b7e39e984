import re
import unicodedata
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from prefloop.errors import StoreError
from prefloop.store.core.team_tables import people as people_table
from prefloop.store.people import access, passwords
from prefloop.store.people.codes import new_code, plain_code
from prefloop.store.store import Store
from prefloop.teamwork import Person
from tests.clock_for_tests import HOUR_SECONDS, MovableClock
from tests.unit.store.sql_for_tests import rows

PASSWORD = "correct horse battery"


@pytest.fixture
def bob(store: Store) -> Person:
    return store.people.add("bob", "labeler")


def enter(store: Store, person: Person) -> str:
    """Return the secret of a new session."""
    entered = store.access.log_in_with_code(store.access.invite(person.id))
    assert entered is not None
    return entered[0]


def test_a_code_lets_in_once(store: Store, bob: Person) -> None:
    code = store.access.invite(bob.id)
    entered = store.access.log_in_with_code(code)
    assert entered is not None
    secret, session = entered
    assert session.person == bob
    assert store.access.session(secret) == session
    assert store.access.log_in_with_code(code) is None
    assert store.access.session(secret) == session


def test_a_new_code_ends_the_old_one_and_only_that_of_the_same_person(
    store: Store, bob: Person
) -> None:
    eve = store.people.add("eve", "labeler")
    of_eve, old = store.access.invite(eve.id), store.access.invite(bob.id)
    new = store.access.invite(bob.id)
    assert store.access.log_in_with_code(old) is None
    assert store.access.log_in_with_code(new) is not None
    assert store.access.log_in_with_code(of_eve) is not None


def test_open_codes_are_listed_and_can_be_ended(
    store: Store, bob: Person, clock: MovableClock
) -> None:
    eve = store.people.add("eve", "labeler")
    code, of_eve = store.access.invite(bob.id), store.access.invite(eve.id, valid_hours=1)
    in_hours = {
        person: (until - store.now()) / HOUR_SECONDS
        for person, until in store.access.open_codes().items()
    }
    assert in_hours == {bob.id: pytest.approx(72, abs=0.1), eve.id: pytest.approx(1, abs=0.1)}
    store.access.end_code(bob.id)
    assert store.access.log_in_with_code(code) is None
    assert list(store.access.open_codes()) == [eve.id]
    store.access.log_in_with_code(of_eve)
    store.access.invite(eve.id, valid_hours=1)
    clock.jump(2 * HOUR_SECONDS)
    assert store.access.open_codes() == {}
    with pytest.raises(StoreError, match="no person with the id p-9"):
        store.access.end_code("p-9")


def test_a_new_password_ends_the_sessions_of_the_old_one(store: Store, bob: Person) -> None:
    eve = store.people.add("eve", "labeler")
    store.people.set_password(bob.id, PASSWORD)
    entered = store.access.log_in_with_password("bob", PASSWORD)
    assert entered is not None
    by_code, of_eve = enter(store, bob), enter(store, eve)
    store.people.set_password(bob.id, "another one entirely")
    assert store.access.session(entered[0]) is None
    assert store.access.session(by_code) is None
    assert store.access.session(of_eve) is not None
    assert store.access.log_in_with_password("bob", "another one entirely") is not None


def test_of_many_who_use_a_code_at_once_one_gets_in(store: Store, bob: Person) -> None:
    code = store.access.invite(bob.id)
    with ThreadPoolExecutor(4) as threads:
        entered = list(threads.map(lambda _: store.access.log_in_with_code(code), range(8)))
    assert len([each for each in entered if each is not None]) == 1
    assert len(rows(store, "sessions")) == 1


def test_a_code_may_be_typed_as_people_type(store: Store, bob: Person) -> None:
    for change in (
        str.lower,
        lambda code: code.replace("-", ""),
        lambda code: f"  {code.replace('-', ' ')}\n",
        lambda code: code.replace("0", "O").replace("1", "l"),
    ):
        assert store.access.log_in_with_code(change(store.access.invite(bob.id))) is not None


def test_a_code_has_at_least_128_random_bits_and_no_letter_to_misread() -> None:
    codes = {new_code() for _ in range(200)}
    assert len(codes) == 200
    for code in codes:
        assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){6}[0-9A-HJKMNP-TV-Z]{4}", code)
    assert len(set("".join(map(plain_code, codes)))) == 32
    assert 5 * len(plain_code(codes.pop())) >= 128


@pytest.mark.parametrize(("hours", "passed", "is_in"), [(72, 71.9, True), (72, 72.1, False)])
def test_a_code_expires(
    store: Store, bob: Person, clock: MovableClock, hours: float, passed: float, is_in: bool
) -> None:
    code = store.access.invite(bob.id, valid_hours=hours)
    clock.jump(passed * HOUR_SECONDS)
    assert (store.access.log_in_with_code(code) is not None) == is_in


@pytest.mark.parametrize("hours", [0, -1, 24 * 91, float("nan"), float("inf")])
def test_a_code_is_neither_dead_nor_for_ever(store: Store, bob: Person, hours: float) -> None:
    with pytest.raises(StoreError, match="up to 90 days"):
        store.access.invite(bob.id, valid_hours=hours)


def test_wrong_used_and_expired_codes_look_alike(
    store: Store, bob: Person, clock: MovableClock
) -> None:
    used, expired = store.access.invite(bob.id), store.access.invite(bob.id, valid_hours=1)
    store.access.log_in_with_code(used)
    clock.jump(2 * HOUR_SECONDS)
    before = rows(store, "invites")
    for code in (used, expired, new_code(), "", "\x00", "\ud800", "a" * 10_000):
        assert store.access.log_in_with_code(code) is None
    assert rows(store, "invites") == before


def test_a_password_lets_in(store: Store, bob: Person) -> None:
    store.people.set_password(bob.id, PASSWORD)
    entered = store.access.log_in_with_password("bob", PASSWORD)
    assert entered is not None
    assert store.access.session(entered[0]) == entered[1]
    store.people.set_password(bob.id, "another one entirely")
    assert store.access.log_in_with_password("bob", PASSWORD) is None


COMPOSED = "gr\u00f6\u00dfe und ma\u00df"
DECOMPOSED = "gro\u0308\u00dfe und ma\u00df"


def test_a_password_is_the_same_on_every_keyboard(store: Store, bob: Person) -> None:
    for name, chosen, typed in (
        ("\u00e9va", COMPOSED, DECOMPOSED),
        ("zo\u00eb", DECOMPOSED, COMPOSED),
        ("\uff39\uff35", "\uff50\uff41\uff53\uff53 words", "pass words"),
    ):
        person = store.people.add(name, "labeler")
        store.people.set_password(person.id, chosen)
        decomposed = unicodedata.normalize("NFD", name)
        for form in (name, decomposed, unicodedata.normalize("NFKC", name)):
            for password in (chosen, typed):
                assert store.access.log_in_with_password(form, password) is not None
            assert store.access.log_in_with_password(form, chosen + "x") is None


def test_a_hash_of_the_characters_as_they_came_still_lets_in(
    store: Store, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(passwords, "typed_form", str)
        store.people.set_password(bob.id, DECOMPOSED)
    assert store.access.log_in_with_password("bob", DECOMPOSED) is not None
    assert store.access.log_in_with_password("bob", COMPOSED) is None, "nobody can know it"


def test_a_code_may_be_typed_in_wide_letters(store: Store, bob: Person) -> None:
    code = store.access.invite(bob.id)
    wide = "".join(chr(ord(c) + 0xFEE0) for c in code)
    assert store.access.log_in_with_code(wide) is not None


def test_whoever_cannot_enter_costs_as_much_work_as_whoever_can(
    store: Store, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.people.set_password(bob.id, PASSWORD)
    store.people.add("without", "labeler")
    out = store.people.add("out", "labeler")
    store.people.set_password(out.id, PASSWORD)
    store.people.disable(out.id)
    checked: list[str] = []

    class Counting:
        def verify(self, password_hash: str, password: str) -> bool:
            checked.append(password_hash)
            return hasher.verify(password_hash, password)

    hasher = passwords.hasher()
    monkeypatch.setattr(passwords, "hasher", Counting)
    wrong = [
        *(("nobody", PASSWORD), ("without", PASSWORD), ("without", ""), ("out", PASSWORD)),
        *(("bob", "wrong"), ("bob", PASSWORD + "x"), ("bob", "x" * 10_000), ("Bob", PASSWORD)),
    ]
    for name, password in wrong:
        assert store.access.log_in_with_password(name, password) is None
    assert store.access.log_in_with_password("bob", PASSWORD) is not None
    assert len(checked) == len(wrong) + 1
    assert not any(hasher.check_needs_rehash(each) for each in checked), "one has other parameters"


def test_passwords_are_hashed_as_owasp_asks(store: Store, bob: Person) -> None:
    store.people.set_password(bob.id, PASSWORD)
    with store._database.reading() as connection:
        query = sa.select(people_table.c.password_hash).where(people_table.c.id == bob.id)
        stored = connection.execute(query).scalar_one()
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_a_session_ends_when_it_is_left(store: Store, bob: Person) -> None:
    secret, other = enter(store, bob), enter(store, bob)
    store.access.log_out(secret)
    assert store.access.session(secret) is None
    assert store.access.session(other) is not None
    store.access.log_out(secret)
    store.access.log_out("never was")


def test_a_session_ends_after_a_week_of_rest(
    store: Store, bob: Person, clock: MovableClock
) -> None:
    secret = enter(store, bob)
    for _ in range(2):
        clock.jump(access.IDLE_SECONDS - 1)
        assert store.access.session(secret) is not None
    clock.jump(access.IDLE_SECONDS + 1)
    assert store.access.session(secret) is None


def test_a_session_ends_after_a_month_of_use(
    store: Store, bob: Person, clock: MovableClock
) -> None:
    secret = enter(store, bob)
    for _ in range(29):
        clock.jump(access.DAY_SECONDS)
        assert store.access.session(secret) is not None
    clock.jump(access.DAY_SECONDS)
    assert store.access.session(secret) is None


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_jumps_by_an_hour_throws_nobody_out(
    store: Store, bob: Person, clock: MovableClock, hours: float
) -> None:
    secret, code = enter(store, bob), store.access.invite(bob.id)
    before = store.now()
    clock.jump(hours * HOUR_SECONDS)
    assert store.now() - before == pytest.approx(hours * HOUR_SECONDS, abs=60)
    assert store.access.session(secret) is not None
    assert store.access.log_in_with_code(code) is not None


def test_being_seen_is_written_once_a_minute(
    store: Store, bob: Person, clock: MovableClock
) -> None:
    secret = enter(store, bob)
    first = rows(store, "sessions")
    for _ in range(5):
        store.access.session(secret)
    assert rows(store, "sessions") == first
    clock.jump(access.TOUCH_SECONDS + 1)
    store.access.session(secret)
    assert rows(store, "sessions") != first


def test_what_ended_long_ago_is_cleared_away(
    store: Store, bob: Person, clock: MovableClock
) -> None:
    enter(store, bob)
    clock.jump(3 * access.ABSOLUTE_SECONDS)
    enter(store, bob)
    assert len(rows(store, "sessions")) == 1


def test_a_token_stands_for_its_person_until_it_is_revoked(store: Store, bob: Person) -> None:
    first, secret = store.access.new_token(bob.id, "nightly")
    second, other = store.access.new_token(bob.id, "import")
    assert store.access.by_token(secret) == store.access.by_token(other) == bob
    store.access.revoke_token(first)
    assert store.access.by_token(secret) is None
    assert store.access.by_token(other) == bob
    found = store.access.tokens(bob.id)
    assert [(each[0], each[1]) for each in found] == [(first, "nightly"), (second, "import")]
    assert found[0][3] is not None
    assert found[1][3] is None
    store.access.revoke_token(first)
    assert store.access.tokens(bob.id) == found
    for wrong in ("", secret[:-1], first, "prefloop_"):
        assert store.access.by_token(wrong) is None


@pytest.mark.parametrize("name", ["", "  ", "x" * 65])
def test_a_token_says_what_it_is_for(store: Store, bob: Person, name: str) -> None:
    with pytest.raises(StoreError, match="what it is for"):
        store.access.new_token(bob.id, name)


def test_no_secret_is_in_the_database(store: Store, bob: Person) -> None:
    store.people.set_password(bob.id, PASSWORD)
    code = store.access.invite(bob.id)
    secret = enter(store, bob)
    _, token = store.access.new_token(bob.id, "nightly")
    names = ("people", "invites", "sessions", "api_tokens", "events")
    stored = repr([rows(store, name) for name in names])
    for each in (PASSWORD, code, plain_code(code), secret, token):
        assert each not in stored
