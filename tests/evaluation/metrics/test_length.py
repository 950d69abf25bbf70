from finetune.evaluation.metrics import METRICS, Asked, Given

LENGTH = METRICS["length"]


def test_it_counts_tokens_and_judges_nothing():
    assert LENGTH.value(Asked(()), Given(tokens=12)) == 12 and LENGTH.better == ""
    assert LENGTH.fits([Asked(({"role": "user", "content": "?"},))], None)
