import pytest

from finetune.errors import SettingError
from finetune.serving.key import FEWEST, VARIABLE, Key, key_for

SECRET = "correct-horse-battery-staple"


def test_a_key_opens_with_itself_alone():
    key = Key.of(SECRET)
    assert key.opens(f"Bearer {SECRET}") and key.opens(f"bearer  {SECRET}")
    for wrong in (
        None,
        "",
        SECRET,
        f"Basic {SECRET}",
        "Bearer",
        f"Bearer {SECRET}x",
        f"Bearer {SECRET[:-1]}",
        "Bearer \ud800",
    ):
        assert not key.opens(wrong)


@pytest.mark.threat("T33")
def test_a_key_is_kept_as_its_hash():
    assert SECRET not in repr(Key.of(SECRET))


def test_without_a_key_only_this_machine_may_connect(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert key_for("127.0.0.1") is None and key_for("::1") is None and key_for("localhost") is None


@pytest.mark.threat("T38")
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", ""])
def test_elsewhere_there_is_no_server_without_a_key(monkeypatch, host):
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(SettingError, match="others could ask these models") as refused:
        key_for(host)
    assert VARIABLE in refused.value.hint and "--key-file" in refused.value.hint
    monkeypatch.setenv(VARIABLE, SECRET)
    assert key_for(host).opens(f"Bearer {SECRET}")


def test_a_file_counts_more_than_the_environment(monkeypatch, tmp_path):
    file = tmp_path / "key"
    file.write_text(f"{SECRET}-of-the-file\n")
    monkeypatch.setenv(VARIABLE, SECRET)
    key = key_for("127.0.0.1", file)
    assert key.opens(f"Bearer {SECRET}-of-the-file") and not key.opens(f"Bearer {SECRET}")


@pytest.mark.parametrize("text", ["x" * (FEWEST - 1), "", "two words of a key", "né" * 20, "a" * 2000])
def test_what_is_no_key_is_refused_and_not_repeated(monkeypatch, tmp_path, text):
    file = tmp_path / "key"
    file.write_text(text)
    with pytest.raises(SettingError, match="is no key: it has 16 or more") as refused:
        key_for("127.0.0.1", file)
    assert not text or text not in str(refused.value)


def test_a_file_that_cannot_be_read_is_said(tmp_path):
    with pytest.raises(SettingError, match="cannot be read"):
        key_for("127.0.0.1", tmp_path / "none")
