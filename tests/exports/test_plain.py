"""What was written, opened by plain Transformers: its own template, its own end of a turn, greedy."""

import pytest

from finetune.exports.plain import Plain


def opened(folder, **generation):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder, dtype="float32")
    for name, value in generation.items():
        setattr(model.generation_config, name, value)
    return Plain(model, AutoTokenizer.from_pretrained(folder), "Transformers")


@pytest.fixture(scope="module")
def plain(tiny_model):
    return opened(tiny_model)


def greedy(plain, prompt, most):
    """Token after token by whole forward passes."""
    import torch

    ids = list(prompt)
    for _ in range(most):
        with torch.inference_mode():
            ids.append(int(plain.model(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
    return ids[len(prompt) :]


def test_an_answer_is_the_likeliest_token_each_time(plain):
    prompt = plain.prompt([{"role": "user", "content": "What of the sea?"}])
    expected = greedy(plain, prompt, 6)
    end = next((n for n, token in enumerate(expected) if token in plain.ends), 5)
    assert plain.answer(prompt, 6) == expected[: end + 1]


def test_it_ends_where_its_files_say_that_a_turn_ends(plain, tiny_model):
    prompt = plain.prompt([{"role": "user", "content": "What of the sea?"}])
    first, second, *_ = greedy(plain, prompt, 3)
    assert opened(tiny_model, eos_token_id=[second]).answer(prompt, 9) == (
        [first] if first == second else [first, second]
    )


def test_sampling_and_penalties_of_its_files_are_left_out(plain, tiny_model):
    prompt = plain.prompt([{"role": "user", "content": "What of the sea?"}])
    other = opened(tiny_model, repetition_penalty=9.0, do_sample=True, num_beams=3)
    assert other.answer(prompt, 6) == plain.answer(prompt, 6)


def test_a_prompt_is_written_by_its_template_and_without_one_as_a_text(plain, monkeypatch):
    messages = [{"role": "user", "content": "Ahoy"}]
    whole = plain.tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=True, return_dict=False)
    assert plain.prompt(messages) == whole
    monkeypatch.setattr(plain.tokenizer, "chat_template", None)
    assert plain.text(plain.prompt(messages)) == "Ahoy"
