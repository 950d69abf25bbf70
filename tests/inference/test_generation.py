"""Many greedy answers at once, against plain Transformers and PEFT one by one."""

import pytest
import torch

from finetune.adapters import ADAPTERS
from finetune.inference.decoding import Variant
from finetune.inference.generation import AT_ONCE, Generation
from tests.inference.families import FAMILIES, build, greedy, tune

PROMPTS = [list(range(20 + n, 24 + n + n % 5)) for n in range(9)]
WAYS = {
    "padded": {"llama", "qwen2_moe", "gpt_neox", "falcon", "bloom", "phi", "gemma", "mixtral", "olmoe", "deepseek_v3"}
}

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_answers_as_transformers_does_one_by_one(family):
    model = build(family)
    generation = Generation(Variant(model), ends={2})
    found = generation.answers(PROMPTS, 10)
    for prompt, answer in zip(PROMPTS, found):
        alone = greedy(build(family), prompt, 10)
        assert answer.ids == alone[: len(answer.ids)]
        assert len(answer.ids) == 10 or alone[len(answer.ids)] == 2
        assert answer.is_truncated == (len(answer.ids) == 10)
    assert (generation.way == "padded") >= (family in WAYS["padded"]), generation.way


def test_a_tuned_model_answers_as_peft_does_and_the_base_as_the_untouched_one():
    tuned = tune(build("llama"))
    base, adapted = Generation(Variant(tuned, tuned.disable_adapter), {2}), Generation(Variant(tuned), {2})
    for n, answer in enumerate(adapted.answers(PROMPTS, 8)):
        assert answer.ids == greedy(tune(build("llama")), PROMPTS[n], 8)[: len(answer.ids)]
    for n, answer in enumerate(base.answers(PROMPTS, 8)):
        assert answer.ids == greedy(build("llama"), PROMPTS[n], 8)[: len(answer.ids)]


@pytest.mark.parametrize("kind", ["prefix", "prompt", "ptuning"])
def test_virtual_tokens_stand_before_each_row_and_move_no_position(kind):
    from peft import get_peft_model

    from finetune.adapters.virtual_tokens import VirtualTokens

    adapter = ADAPTERS[kind]()
    assert isinstance(adapter, VirtualTokens) and adapter.attaches_to == "prompt"
    torch.manual_seed(3)
    model = get_peft_model(build("llama"), adapter.peft_config(build("llama"))).eval()
    first = {"first_cache": lambda: adapter.first_cache(model), "first_positions": adapter.own_positions()}
    generation = Generation(Variant(model.get_base_model(), **first), {2})
    assert generation.way == "padded"
    for prompt, answer in zip(PROMPTS, generation.answers(PROMPTS, 6)):
        assert answer.ids == greedy(model, prompt, 6)[: len(answer.ids)]


def test_an_answer_ends_at_its_end_token_and_leaves_the_batch():
    model = build("llama")
    ends = {greedy(model, PROMPTS[0], 4)[3]}
    generation = Generation(Variant(model), ends)
    first, *others = generation.answers(PROMPTS, 12)
    assert first.ids == greedy(model, PROMPTS[0], 4)[:3] and not first.is_truncated
    assert others == [generation.answers([prompt], 12)[0] for prompt in PROMPTS[1:]]


def test_batches_are_of_similar_length_and_bounded():
    generation = Generation(Variant(build("llama")), {2})
    prompts = [[20] * (1 + n % 7) for n in range(2 * AT_ONCE + 5)]
    batches = list(generation._batches(prompts, 4))
    assert sorted(n for batch in batches for n in batch) == list(range(len(prompts)))
    assert max(map(len, batches)) == AT_ONCE
    generation.way = "equal lengths"
    assert all(len({len(prompts[n]) for n in batch}) == 1 for batch in generation._batches(prompts, 4))
    generation.way = "one by one"
    assert all(len(batch) == 1 for batch in generation._batches(prompts, 4))


def test_out_of_memory_halves_the_batch_and_loses_no_answer(monkeypatch):
    generation = Generation(Variant(build("llama")), {2})
    expected, sizes, written = generation.answers(PROMPTS, 5), [], generation._written

    def narrow(prompts, most):
        sizes.append(len(prompts))
        if len(prompts) > 2:
            raise RuntimeError("CUDA out of memory.")
        return written(prompts, most)

    monkeypatch.setattr(generation, "_written", narrow)
    assert generation.answers(PROMPTS, 5) == expected and max(sizes) == len(PROMPTS) and min(sizes) <= 2


def test_another_error_and_a_single_prompt_without_memory_are_raised(monkeypatch):
    generation = Generation(Variant(build("llama")), {2})

    def fail(prompts, most):
        raise RuntimeError("CUDA out of memory.")

    monkeypatch.setattr(generation, "_written", fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        generation.answers(PROMPTS[:1], 5)


def test_a_stopped_generation_gives_nothing():
    assert Generation(Variant(build("llama")), {2}).answers(PROMPTS, 5, lambda: True) == []
    assert Generation(Variant(build("llama")), {2}).answers([], 5) == []
