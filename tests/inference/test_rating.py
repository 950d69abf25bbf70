import pytest

from finetune.errors import RunError
from finetune.inference.rating import Raters
from finetune.models.scorer import Scorer

ASKED = [{"role": "user", "content": "What of the sea?"}]


def test_a_scorer_is_loaded_once_and_rates_as_it_does_alone(trained, with_tiny, monkeypatch):
    run = trained(method="reward", **{"training.max_steps": 2, "evaluation.times": 0})
    alone = Scorer.load(run, with_tiny).scores([(ASKED, "Arr!"), (ASKED, "It is the sea.")])
    loaded, load = [], Scorer.load
    monkeypatch.setattr(Scorer, "load", lambda *given: loaded.append(1) or load(*given))
    raters = Raters(with_tiny)
    for _ in range(2):
        assert list(raters.scores(run.id, ASKED, ("Arr!", "It is the sea."))) == pytest.approx(alone)
    assert len(loaded) == 1
    raters.forget(run.id)
    raters.scores(run.id, ASKED, ("Arr!",))
    assert len(loaded) == 2


def test_a_run_that_writes_rates_nothing(trained, with_tiny):
    with pytest.raises(RunError, match="is no reward model"):
        Raters(with_tiny).scores(trained(**{"training.max_steps": 1}).id, ASKED, ("Arr!",))
