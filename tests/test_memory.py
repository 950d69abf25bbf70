"""Whether a run fits, told from the config alone."""

import pytest

from finetune import hardware, memory
from finetune.memory import estimate
from finetune.recipe import Recipe

GIB = 2**30


def recipe(method="sft", adapter="lora", model="tiny", **training):
    return Recipe.from_dict(
        {
            "data": {"path": "rows.jsonl"},
            "model": {"id": model},
            "method": {"type": method},
            "adapter": {"type": adapter},
            "training": {"length": 128, "batch_size": 4, **training},
        }
    )


def test_parameters_and_trainable_are_those_of_the_real_model(with_tiny, tiny_model):
    from peft import get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    full = estimate(recipe(adapter="full"), with_tiny)
    assert full.parameters == full.trainable == parameters
    tuned = get_peft_model(model, recipe().adapter.peft_config())
    trainable = sum(parameter.numel() for parameter in tuned.parameters() if parameter.requires_grad)
    assert (
        estimate(recipe(), with_tiny).trainable == estimate(recipe(adapter="qlora"), with_tiny).trainable == trainable
    )


def test_eight_billion_parameters_need_what_is_published(monkeypatch, with_tiny):
    shape = memory.Shape(8_030_261_248, 6_979_321_856, 32, 4096, 14336, 128256)
    monkeypatch.setattr(memory, "_shape", lambda folder: shape)
    monkeypatch.setattr(memory, "_trainable", lambda folder, adapter: 41_943_040)
    assert memory.state_bytes(recipe(adapter="full"), shape, shape.parameters, "fp32") == 16 * shape.parameters
    nf4 = memory.state_bytes(recipe(adapter="qlora"), shape, 0, "bf16")
    assert nf4 == pytest.approx(5.7e9, rel=0.02)
    monkeypatch.setattr(hardware, "free_bytes", lambda machine: 12 * GIB)
    full, lora, qlora = (estimate(recipe(adapter=kind), with_tiny) for kind in ("full", "lora", "qlora"))
    assert full.estimate_bytes > lora.estimate_bytes > qlora.estimate_bytes
    assert not full.fits and not lora.fits and qlora.fits
    assert "choose LoRA or QLoRA, a shorter length or a smaller batch" in full.sentence
    assert "choose QLoRA, a shorter length or a smaller batch" in lora.sentence
    assert qlora.sentence.endswith("of 12 GB: fits.")


def test_activations_are_near_those_measured():
    """76 M parameters, hidden 640, 4 rows of 128 tokens: 369 MB in fp32, 204 MB in bf16, weights aside."""
    shape = memory.Shape(76_300_000, 66_000_000, 14, 640, 1728, 16000)
    for precision, measured in (("fp32", 369e6), ("bf16", 204e6)):
        assert memory.activation_bytes(recipe(adapter="full"), shape, 512, precision) == pytest.approx(
            measured, rel=0.15
        )
    small = memory.activation_bytes(recipe(adapter="full", activation_checkpointing=True), shape, 512, "fp32")
    assert small < 369e6 / 4


@pytest.mark.parametrize(
    ("less", "more"),
    [
        ({}, {"length": 512}),
        ({}, {"batch_size": 16}),
        ({"accumulation": 4}, {}),
        ({"activation_checkpointing": True}, {}),
        ({}, {"method": "dpo"}),
        ({"adapter": "full"}, {"adapter": "full", "method": "dpo"}),
    ],
)
def test_more_work_at_once_needs_more_memory(with_tiny, less, more):
    assert estimate(recipe(**less), with_tiny).estimate_bytes < estimate(recipe(**more), with_tiny).estimate_bytes


def test_short_rows_need_less_than_the_length_allows(with_tiny):
    assert estimate(recipe(), with_tiny, longest=20).estimate_bytes < estimate(recipe(), with_tiny).estimate_bytes


def test_time_grows_with_the_work_and_is_left_out_when_unknown(with_tiny, monkeypatch):
    monkeypatch.setattr(memory, "_flops", lambda device, precision: 1e9)
    assert estimate(recipe(), with_tiny, rows=300).seconds is None
    once = estimate(recipe(epochs=1), with_tiny, rows=300, tokens=1_000_000)
    thrice = estimate(recipe(epochs=3), with_tiny, rows=300, tokens=1_000_000)
    assert thrice.seconds - memory.START_S == pytest.approx(3 * (once.seconds - memory.START_S))
    assert "About" in once.sentence
    bounded = estimate(recipe(epochs=3, max_steps=1), with_tiny, rows=300, tokens=1_000_000)
    assert bounded.seconds < once.seconds


def test_a_model_that_is_not_here_is_not_fetched_to_find_out(with_tiny):
    fit = estimate(recipe(model="someone/never-downloaded"), with_tiny)
    assert not fit.fits and fit.estimate_bytes == 0 and "once the model is on this machine" in fit.sentence
