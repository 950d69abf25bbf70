from types import SimpleNamespace

from finetune.evaluation.metrics import METRICS, Asked, Given

REWARD = METRICS["reward"]


def test_it_decides_where_a_run_was_trained_on_rewards():
    for generates in (True, False):
        run = SimpleNamespace(recipe=SimpleNamespace(method=SimpleNamespace(generates=generates)))
        assert bool(REWARD.fits([Asked(())], run)) == generates
    assert REWARD.value(Asked(()), Given(reward=0.5)) == 0.5 and REWARD.value(Asked(()), Given()) is None
