"""The split is fixed and takes about 8 %."""

from finetune.starter.split import HELD_OUT_SHARE, is_held_out


def test_the_share_is_kept():
    share = sum(is_held_out(f"key {index}") for index in range(20_000)) / 20_000
    assert abs(share - HELD_OUT_SHARE) < 0.01


def test_the_split_never_changes():
    assert [index for index in range(60) if is_held_out(str(index))] == [7, 24, 30, 41, 46]
