import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from finetune.runs.numbering import new_folder, number_of


def test_folders_made_at_once_get_different_numbers(tmp_path):
    with ThreadPoolExecutor(20) as pool:
        made = list(pool.map(lambda _: new_folder(tmp_path, "x").name, range(20)))
    assert sorted(made) == [f"{n:03d}-x" for n in range(1, 21)]


@pytest.mark.threat("S5")
@pytest.mark.parametrize("which", [0, 1])
def test_a_number_is_not_used_twice_after_a_run_was_deleted_from_outside(tmp_path, which):
    made = [new_folder(tmp_path, "x"), new_folder(tmp_path, "x")]
    shutil.rmtree(made[which])
    assert new_folder(tmp_path, "x").name == "003-x"
    (tmp_path / ".last-number").write_text("")  # the power failed
    assert new_folder(tmp_path, "x").name == "004-x"


@pytest.mark.parametrize(("name", "number"), [("012-pirate", 12), ("1", 1), (".trash-4", 0), ("x", 0), ("", 0)])
def test_the_number_is_at_the_start_of_the_name(name, number):
    assert number_of(name) == number
