from types import SimpleNamespace

from finetune.evaluation.metrics import METRICS, Asked, Given

LOSS = METRICS["loss"]


def run(generates):
    return SimpleNamespace(recipe=SimpleNamespace(method=SimpleNamespace(generates=generates)))


def test_it_is_the_loss_per_token_and_decides_for_plain_text():
    assert LOSS.value(Asked(()), Given(loss=1.5)) == 1.5 and LOSS.value(Asked(()), Given()) is None
    assert LOSS.fits([Asked(())], run(False)) == "the rows are texts" and LOSS.by_tokens and LOSS.better == "lower"


def test_it_says_nothing_where_answers_are_rewarded():
    assert LOSS.fits([Asked((), "a")], run(True)) == ""
