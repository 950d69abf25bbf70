import os
import stat

import pytest

from finetune import modes


@pytest.fixture
def shell():
    """A process whose shell lets its group read new files; its umask is put back afterwards."""
    before = os.umask(0o027)
    yield
    os.umask(before)
    modes._given.clear()


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.threat("S15")
def test_what_is_made_is_for_this_account_alone_also_in_child_processes(shell, tmp_path):
    modes.keep_to_this_account()
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    os.system(f"mkdir {tmp_path}/of-a-child; touch {tmp_path}/of-a-child/file")
    found = {path.relative_to(tmp_path).as_posix(): mode(path) for path in tmp_path.rglob("*")}
    assert found == {"folder": 0o700, "file": 0o600, "of-a-child": 0o700, "of-a-child/file": 0o600}


def test_elsewhere_it_is_as_the_shell_has_it(shell, tmp_path):
    modes.keep_to_this_account()
    (tmp_path / "mine").mkdir()
    to = tmp_path / "new" / "deep"
    with modes.elsewhere(to):
        (to / "model").mkdir(parents=True)
        (to / "model" / "weights").touch()
        (to / "link").symlink_to(tmp_path / "mine")
    assert [mode(path) for path in (tmp_path / "new", to, to / "model", to / "model" / "weights")] == [0o750] * 3 + [
        0o640
    ]
    assert mode(tmp_path / "mine") == 0o700
    with modes.elsewhere(tmp_path / "mine"):
        (tmp_path / "mine" / "page").touch()
    assert mode(tmp_path / "mine" / "page") == 0o600, "a folder that was there is not changed, nor what is in it"
    modes.give(tmp_path / "mine" / "page")
    assert mode(tmp_path / "mine" / "page") == 0o640


def test_a_library_changes_nothing(shell, tmp_path):
    (tmp_path / "file").touch(mode=0o666)
    with modes.elsewhere(tmp_path / "folder"):
        (tmp_path / "folder").mkdir(mode=0o711)
    modes.give(tmp_path / "file")
    assert (mode(tmp_path / "file"), mode(tmp_path / "folder")) == (0o640, 0o710)


@pytest.mark.threat("S15")
def test_an_open_folder_is_closed_and_one_that_all_share_is_left(tmp_path):
    for name, given in (("open", 0o755), ("shared", 0o1777), ("linked", 0o755)):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(given)
    (tmp_path / "link").symlink_to(tmp_path / "linked")
    (tmp_path / "file").touch(mode=0o644)
    modes.close(*(tmp_path / name for name in ("open", "shared", "link", "file", "missing")))
    assert [mode(tmp_path / name) for name in ("open", "shared", "linked")] == [0o700, 0o1777, 0o755]
