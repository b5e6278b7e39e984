from concurrent.futures import ThreadPoolExecutor

import pytest

from prefloop.errors import StoreError
from prefloop.store.store import Store
from prefloop.teamwork import Role


def test_people_come_back_as_they_were_added_and_in_their_order(store: Store) -> None:
    before = store.now()
    ann, bob = store.people.add("Ann Ó Briain", "owner"), store.people.add("bob", "labeler")
    assert store.people.all() == [ann, bob]
    assert (ann.name, ann.role, ann.disabled_at) == ("Ann Ó Briain", "owner", None)
    assert before <= ann.created_at <= bob.created_at <= store.now()
    assert store.people.by_id(ann.id) == store.people.by_name("Ann Ó Briain") == ann
    assert store.people.by_id("nobody") is store.people.by_name("ann") is None


@pytest.mark.parametrize(
    ("name", "role", "told"),
    [
        ("", "labeler", "needs a name"),
        (" \t", "labeler", "needs a name"),
        ("x" * 65, "labeler", "at most 64 characters; this one has 65"),
        ("a\nb", "labeler", "cannot be printed"),
        ("a\u202eb", "labeler", "cannot be printed"),
        ("BOB", "labeler", "The name bob is in use"),
        (" bob ", "labeler", "The name bob is in use"),
        ("e\u0301va", "labeler", "The name éva is in use"),
        ("\uff22\uff2f\uff22", "labeler", "The name bob is in use"),
        ("b\u043eb", "labeler", "looks like bob, which is in use"),
        ("bob\ufe0f", "labeler", "looks like bob, which is in use"),
        ("zoe", "admin", "'admin' is no role. Give one of owner, labeler, viewer"),
    ],
)
def test_a_name_that_would_confuse_is_refused(
    store: Store, name: str, role: Role, told: str
) -> None:
    store.people.add("bob", "labeler")
    store.people.add("\u00e9va", "viewer")
    with pytest.raises(StoreError, match=told):
        store.people.add(name, role)
    assert len(store.people.all()) == 2


def test_one_of_two_who_take_a_name_at_once_gets_it(store: Store) -> None:
    def take(_: int) -> bool:
        try:
            store.people.add("ann", "labeler")
        except StoreError:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(take, range(4))) == [False, False, False, True]


def test_a_disabled_person_is_out_at_once_and_comes_back_by_a_new_code(store: Store) -> None:
    bob = store.people.add("bob", "labeler")
    store.people.set_password(bob.id, "four unrelated words")
    unused = store.access.invite(bob.id)
    entered = store.access.log_in_with_code(store.access.invite(bob.id))
    assert entered is not None
    _, token = store.access.new_token(bob.id, "nightly")
    assert store.access.by_token(token) == bob

    store.people.disable(bob.id)
    assert store.people.by_id(bob.id).disabled_at is not None  # type: ignore[union-attr]
    for _ in range(2):
        assert store.access.session(entered[0]) is None
        assert store.access.by_token(token) is None
        assert store.access.log_in_with_code(unused) is None
        store.people.enable(bob.id)
    assert store.people.by_id(bob.id) == bob
    assert store.access.log_in_with_password("bob", "four unrelated words") is not None
    assert store.access.log_in_with_code(store.access.invite(bob.id)) is not None


def test_nobody_disabled_gets_a_code_or_a_token_or_in(store: Store) -> None:
    bob = store.people.add("bob", "labeler")
    store.people.set_password(bob.id, "four unrelated words")
    store.people.disable(bob.id)
    with pytest.raises(StoreError, match="account of bob is disabled"):
        store.access.invite(bob.id)
    with pytest.raises(StoreError, match="account of bob is disabled"):
        store.access.new_token(bob.id, "nightly")
    assert store.access.log_in_with_password("bob", "four unrelated words") is None


def test_somebody_can_always_get_in(store: Store) -> None:
    first, second = store.people.add("ann", "owner"), store.people.add("eve", "owner")
    store.people.disable(first.id)
    with pytest.raises(StoreError, match="eve is the last owner"):
        store.people.disable(second.id)
    store.people.enable(first.id)
    store.people.disable(second.id)
    assert store.people.by_id(second.id).disabled_at is not None  # type: ignore[union-attr]


def test_whether_an_owner_has_a_password(store: Store) -> None:
    ann, bob = store.people.add("ann", "owner"), store.people.add("bob", "labeler")
    assert not store.people.has_owner_password()
    store.people.set_password(bob.id, "of a labeler")
    assert not store.people.has_owner_password()
    store.people.set_password(ann.id, "of the owner")
    assert store.people.has_owner_password()
    store.people.add("eve", "owner")
    store.people.disable(ann.id)
    assert not store.people.has_owner_password()


@pytest.mark.parametrize("length", [0, 7, 129])
def test_a_password_of_impossible_length_is_refused_and_not_repeated(
    store: Store, length: int
) -> None:
    ann = store.people.add("ann", "owner")
    with pytest.raises(StoreError, match=f"8 to 128 characters; this one has {length}") as told:
        store.people.set_password(ann.id, "z" * length)
    assert "zz" not in str(told.value)
    assert not store.people.has_owner_password()


def test_an_unknown_person_is_told(store: Store) -> None:
    for call in (
        store.people.disable,
        store.people.enable,
        store.access.invite,
        lambda person: store.people.set_password(person, "long enough"),
        lambda person: store.access.new_token(person, "nightly"),
    ):
        with pytest.raises(StoreError, match="no person with the id p-9"):
            call("p-9")
