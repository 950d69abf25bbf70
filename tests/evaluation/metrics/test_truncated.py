from finetune.evaluation.metrics import METRICS, Asked, Given

TRUNCATED = METRICS["truncated"]


def test_an_answer_that_did_not_end_counts():
    assert TRUNCATED.value(Asked(()), Given(is_truncated=True)) == 1 and TRUNCATED.value(Asked(()), Given()) == 0
    assert TRUNCATED.better == "lower" and not TRUNCATED.fits([Asked(())], None)
