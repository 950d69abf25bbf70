import pytest

from finetune.door.visitor import NOBODY, Visitor, visitor_of

OWNERS = frozenset({"olga"})
WHO = {role: Visitor("x", "ada", role, OWNERS) for role in ("owner", "member", "watcher", "guest")}
SEES = {
    "owner": {"ada": True, "ben": True, "olga": True, None: True, "": True},
    "member": {"ada": True, "ben": False, "olga": False, None: False, "": False},
    "watcher": {"ada": False, "ben": False, "olga": True, None: True, "": False},
    "guest": {"ada": False, "ben": False, "olga": False, None: False, "": False},
}


@pytest.mark.threat("S19")
@pytest.mark.parametrize("role", WHO)
def test_what_each_role_may(role):
    visitor = WHO[role]
    assert {owner: visitor.may_see(owner) for owner in SEES[role]} == SEES[role]
    may_change = {"owner": set(SEES[role]), "member": {"ada"}}.get(role, set())
    assert {owner for owner in SEES[role] if visitor.may_change(owner)} == may_change
    assert visitor.may_train == (role in ("owner", "member"))


@pytest.mark.threat("S19", "T35")
def test_who_is_not_known_may_do_nothing():
    assert visitor_of({}) is NOBODY and visitor_of({"state": {}}) is NOBODY
    assert not NOBODY.may_train and not NOBODY.may_see(None) and not NOBODY.may_change(None)


def test_a_member_without_a_name_has_nothing():
    assert not Visitor("1.2.3.4", None, "member").may_see(None)
