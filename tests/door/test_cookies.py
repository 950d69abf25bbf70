import stat

import pytest

from finetune.door import cookies as module
from finetune.door.cookies import KEY_FILE, Cookies


def given(header: str) -> dict[str, str]:
    name, _, value = header.partition(";")[0].partition("=")
    return {name: value}


@pytest.mark.threat("T37")
def test_a_browser_gets_back_what_it_was_given_and_can_change_nothing(tmp_path):
    jar = Cookies.of(tmp_path)
    header = jar.made("sign_in", ["ada", "x"])
    assert jar.read("sign_in", given(header)) == ["ada", "x"]
    [(name, value)] = given(header).items()
    for forged in ("", value[:-1] + ("A" if value[-1] != "A" else "B"), value.replace(".", "..", 1), "x.y.z"):
        assert jar.read("sign_in", {name: forged}) is None
    assert jar.read("guest", {jar.name("guest"): value}) is None  # signed for another purpose


@pytest.mark.threat("T37", "S15")
def test_the_key_outlives_a_restart_and_nobody_else_reads_it(tmp_path):
    one, other = Cookies.of(tmp_path), Cookies.of(tmp_path)
    assert one.key == other.key and len(one.key) == 64
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    (tmp_path / KEY_FILE).write_text("")
    assert Cookies.of(tmp_path).key != one.key
    assert not list(tmp_path.glob(".door*"))


@pytest.mark.threat("T37")
def test_two_workspaces_on_one_machine_do_not_take_each_others_cookies(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, other = Cookies.of(tmp_path / "a"), Cookies.of(tmp_path / "b")
    assert one.name("sign_in") != other.name("sign_in")
    [(_, value)] = given(one.made("sign_in", ["ada"])).items()
    assert other.read("sign_in", {other.name("sign_in"): value}) is None


def test_a_sign_in_ends_after_its_time(tmp_path, monkeypatch):
    jar = Cookies.of(tmp_path)
    header = jar.made("sign_in", ["ada"])
    monkeypatch.setattr(module, "LASTS_S", -1)
    assert jar.read("sign_in", given(header)) is None


@pytest.mark.threat("T37")
def test_scripts_and_other_sites_do_not_get_it(tmp_path):
    here, framed = Cookies.of(tmp_path), Cookies.of(tmp_path, crosses_sites=True)
    assert "HttpOnly; SameSite=Lax" in here.made("a", 1) and "Secure" not in here.made("a", 1)
    assert "Secure" in here.made("a", 1, is_secure=True)
    assert "HttpOnly; Secure; SameSite=None; Partitioned" in framed.made("a", 1)
    assert "Max-Age=0" in here.removed("a")
