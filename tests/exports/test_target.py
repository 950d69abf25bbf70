import pytest

from finetune.exports import TARGETS, Target


def test_the_product_finds_its_targets():
    assert list(TARGETS) == ["adapter", "merged", "script"]


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_each_says_what_the_page_and_the_command_line_need(target):
    assert isinstance(target, Target) and target.words and not target.words.endswith(".")
    assert target.button == "" or target.button[0].isupper()


def test_a_target_without_code_writes_nothing(run, workspace, tmp_path):
    with pytest.raises(NotImplementedError):
        Target().write(run, workspace, tmp_path)
