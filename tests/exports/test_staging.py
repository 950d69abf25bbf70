"""A folder is there whole or not at all."""

import pytest

from finetune.errors import RunError
from finetune.exports.staging import require_free, staged


def test_it_is_there_once_it_is_whole(tmp_path):
    folder = tmp_path / "new" / "folder"
    with staged(folder) as staging:
        staging.mkdir()
        (staging / "a").write_text("1")
        assert not folder.exists()
    assert (folder / "a").read_text() == "1" and [each.name for each in folder.parent.iterdir()] == ["folder"]


def test_of_one_that_fails_nothing_is_left(tmp_path):
    with pytest.raises(KeyError), staged(tmp_path / "folder") as staging:
        staging.mkdir()
        (staging / "a").write_text("1")
        raise KeyError("A bug.")
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_stays(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(RunError, match="already exists"):
        require_free(tmp_path / "folder")
    with pytest.raises(RunError, match="already exists"), staged(tmp_path / "folder"):
        pytest.fail("It began.")
    assert (tmp_path / "folder").is_dir()
