import re

from finetune.starter.sums import WORDINGS, sums


def test_each_sum_is_there_once_with_its_result():
    rows = sums(400, "seed")
    numbers = [tuple(map(int, re.findall(r"\d+", row["prompt"]))) for row in rows]
    wanted = {int(row["expected"]) == sum(pair) for pair, row in zip(numbers, rows)}
    assert wanted == {True}
    assert len({row["prompt"] for row in rows}) == 400
    assert rows == sums(400, "seed") != sums(400, "other seed")


def test_every_wording_comes_up():
    firsts = {row["prompt"].split()[-1] for row in sums(100, "seed")}
    assert {wording.split()[-1] for wording in WORDINGS if wording[-1] == "?"} <= firsts
