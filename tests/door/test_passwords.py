import hashlib
import statistics
import time

import pytest

from finetune.door.members import Members
from finetune.door.passwords import hashed, is_hash, is_right, people_in
from finetune.errors import SettingError


@pytest.mark.threat("T37")
def test_a_password_is_kept_as_a_salted_hash_that_plain_scrypt_agrees_with():
    import base64

    one, other = hashed("correct horse"), hashed("correct horse")
    assert one != other and "horse" not in one and is_hash(one)
    _, n, r, p, salt, found = one.split("$")
    expected = hashlib.scrypt(
        b"correct horse", salt=base64.b64decode(salt), n=int(n), r=int(r), p=int(p), maxmem=2**27, dklen=32
    )
    assert base64.b64decode(found) == expected


@pytest.mark.parametrize("password", ["correct horse", "pässwörd 🐎", "a:b:c", " ", "\ud800"])
def test_only_the_password_itself_is_right(password):
    kept = hashed(password)
    assert is_right(password, kept)
    assert not any(is_right(wrong, kept) for wrong in (password + " ", password.upper() + "x", "", password * 2000))


def test_people_are_read_from_lines_and_hashes_may_stand_for_passwords():
    kept = hashed("two")
    people = people_in(["# team", "", "ada:one:with:colons", f"ben:{kept}"], "x")
    assert is_right("one:with:colons", people["ada"]) and people["ben"] == kept


@pytest.mark.parametrize("line", ["ada", "ada:", ":secret", "ada :x", "a\x07da:x"])
def test_a_line_that_is_no_person_is_refused_without_its_password(line):
    with pytest.raises(SettingError, match="is not a name and a password") as caught:
        people_in([line + "hunter2" if ":x" in line else line], "What --auth was given")
    assert "hunter2" not in str(caught.value)


def test_a_name_has_one_password():
    with pytest.raises(SettingError, match="twice"):
        people_in(["ada:one", "ada:two"], "x")


@pytest.mark.threat("T37")
def test_an_unknown_name_takes_as_long_as_a_wrong_password():
    members = Members("password", people_in(["ada:secret"], "x"))

    def seconds(name):
        start = time.perf_counter()
        assert not members.knows(name, "wrong")
        return time.perf_counter() - start

    known, unknown = ([seconds(name) for _ in range(7)] for name in ("ada", "nobody"))
    assert 1 / 3 < statistics.median(known) / statistics.median(unknown) < 3
