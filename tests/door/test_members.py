import pytest

from finetune.door.members import Members
from finetune.door.passwords import hashed

HASH = hashed("x")


def test_where_nobody_signs_in_there_is_nobody_to_know():
    assert not Members().must_sign_in and Members("password").must_sign_in


@pytest.mark.threat("S19")
@pytest.mark.parametrize(
    ("trainers", "others", "expected"),
    [
        (None, "watch", {"olga": "owner", "ada": "member", "eve": None}),
        ({"ada"}, "watch", {"olga": "owner", "ada": "member", "ben": "watcher", "eve": None}),
        ({"ada"}, "none", {"olga": "owner", "ada": "member", "ben": None}),
        ({"ada"}, "train", {"ben": "member"}),
    ],
)
def test_roles_by_password(trainers, others, expected):
    people = dict.fromkeys(("olga", "ada", "ben"), HASH)
    listed = frozenset(trainers) if trainers else None
    members = Members("password", people, frozenset({"olga"}), listed, others)
    assert {name: members.role(name) for name in expected} == expected


@pytest.mark.threat("T31", "S19")
def test_roles_on_a_space_where_everyone_can_sign_in():
    members = Members("huggingface", {}, frozenset({"acme"}), frozenset({"friends", "ada"}), "watch")
    assert members.role("zoe", frozenset({"acme"})) == "owner" and members.role("ada") == "member"
    assert members.role("ben", frozenset({"friends"})) == "member" and members.role("eve") == "watcher"
    alone = Members("huggingface", {}, frozenset({"me"}), None, "none")
    assert alone.role("me") == "owner" and alone.role("eve") is None


@pytest.mark.threat("T37")
def test_a_password_that_was_changed_ends_its_sign_ins():
    one, other = Members("password", {"ada": hashed("a")}), Members("password", {"ada": hashed("b")})
    assert one.stamp("ada") != other.stamp("ada") and one.passwords["ada"] not in one.stamp("ada")


def test_an_empty_password_is_nobodys():
    members = Members("password", {"ada": HASH})
    assert not members.knows("eve", "") and members.knows("ada", "x")
