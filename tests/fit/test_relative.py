import pytest

from finetune.adapters import ADAPTERS
from finetune.data.counts import Counts
from finetune.fit.estimate import estimate_fit
from finetune.fit.relative import MEASURE, Cost, Setting, cost, pair_of
from finetune.methods import METHODS
from finetune.recipe import ModelSettings, Recipe, refusal

COUNTS = Counts(200, 64, 8000, 3000, 30, 20)


def setting(kind="chat", model="tiny", counts=COUNTS):
    return Setting(ModelSettings(id=model), 64, kind, counts)


def test_one_thing_differs_at_a_time():
    assert MEASURE == ("sft", "lora") == pair_of("method", "sft") == pair_of("adapter", "lora")
    assert pair_of("method", "dpo") == ("dpo", "lora") and pair_of("adapter", "full") == ("sft", "full")


def test_every_pair_that_is_compared_can_be_trained():
    for axis, types in (("method", METHODS), ("adapter", ADAPTERS)):
        for name in types:
            method, adapter = pair_of(axis, name)
            assert not refusal(METHODS[method](), ADAPTERS[adapter]())


def test_a_cost_is_what_the_estimate_says_of_such_a_recipe(with_tiny):
    recipe = Recipe.from_dict({"model": {"id": "tiny"}, "data": {"path": "x"}, "training": {"length": 64}})
    found = estimate_fit(recipe, with_tiny, COUNTS, gpus=False)
    assert cost(setting(), ("sft", "lora"), with_tiny) == Cost(found.estimate_bytes, found.seconds)


def test_rows_like_these_are_two_sequences_each_for_a_method_of_pairs(with_tiny):
    """200 chats of 8,000 tokens would be 200 pairs of 16,000; 200 pairs of 16,000 are so already."""
    twice = Counts(200, 64, 16000, 6000, 60, 20)
    as_chats, as_pairs = (
        cost(setting(kind, counts=counts), ("dpo", "lora"), with_tiny)
        for kind, counts in (("chat", COUNTS), ("preference", twice))
    )
    assert as_chats == as_pairs
    assert as_chats.seconds > cost(setting(), MEASURE, with_tiny).seconds


def test_what_cannot_be_told_is_not_guessed(with_tiny, monkeypatch):
    assert cost(setting(model="nobody/nothing"), MEASURE, with_tiny) == Cost()
    monkeypatch.setattr(METHODS["dpo"], "generates", True)
    found = cost(setting(), ("dpo", "lora"), with_tiny)
    assert found.seconds is None and found.memory_bytes


@pytest.mark.parametrize("adapter", [name for name, cls in ADAPTERS.items() if not cls.profiled])
def test_the_memory_of_an_adapter_without_a_dry_run_is_not_told(with_tiny, adapter):
    assert cost(setting(), ("sft", adapter), with_tiny).memory_bytes == 0
