import io
import json

import pytest

from finetune.door.passwords import is_right, people_in


@pytest.mark.threat("T37", "T33")
def test_a_line_for_the_file_holds_the_hash_alone(command, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse\n"))
    code, out, err = command("password", "ada")
    assert code == 0 and "horse" not in out + err
    assert is_right("correct horse", people_in([out], "x")["ada"])


def test_what_cannot_be_a_name_or_a_password_is_refused(command, monkeypatch):
    for name, word in (("ada", ""), ("a:b", "x")):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{word}\n"))
        code, _, err = command("password", name)
        assert code == 2 and "is not a name and a password" in err
    monkeypatch.setattr("sys.stdin", io.StringIO("x\n"))
    assert json.loads(command("password", "ada", "--json")[1])["line"].startswith("ada:scrypt$")
