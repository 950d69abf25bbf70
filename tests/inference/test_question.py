import pytest

from finetune.errors import ModelError
from finetune.inference.question import messages, prompt_tokens, text_tokens, with_fixes
from finetune.recipe import Recipe


def recipe(**data):
    return Recipe.from_dict({"data": {"path": "x.jsonl", **data}})


def test_the_recipes_system_prompt_comes_first():
    taught = recipe(system="Talk like a pirate.")
    system = {"role": "system", "content": "Talk like a pirate."}
    assert messages(taught, "Hi?") == [system, {"role": "user", "content": "Hi?"}]
    assert messages(recipe(), "Hi?") == [{"role": "user", "content": "Hi?"}]


def test_another_system_prompt_takes_its_place_and_an_empty_one_is_left_out():
    taught = recipe(system="Talk like a pirate.")
    assert messages(taught, "Hi?", system="Be brief.")[0] == {"role": "system", "content": "Be brief."}
    assert messages(taught, "Hi?", system="") == [{"role": "user", "content": "Hi?"}]


def test_fixes_of_every_example_apply_to_it():
    taught = recipe(system="Be brief.", fixes=[{"type": "no_system"}])
    assert messages(taught, "Hi?") == [{"role": "user", "content": "Be brief.\n\nHi?"}]
    talk = [{"role": "system", "content": "s"}, {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    assert with_fixes(taught, talk) == [{"role": "user", "content": "s\n\na"}, talk[2]]
    assert with_fixes(recipe(), talk) == talk


def test_questions_and_answers_before_come_in_between():
    found = messages(recipe(system="s"), "c", history=[("a", "b")])
    assert [(turn["role"], turn["content"]) for turn in found] == [
        ("system", "s"), ("user", "a"), ("assistant", "b"), ("user", "c"),
    ]  # fmt: skip


def test_a_prompt_ends_where_the_answer_starts(tiny_model):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    asked = [{"role": "user", "content": "Hi?"}]
    assert tokenizer.decode(prompt_tokens(tokenizer, asked)).endswith("Hi?<|im_end|>\n<|im_start|>assistant\n")
    tokenizer.chat_template = "{{ raise_exception('Never.') }}"
    with pytest.raises(ModelError, match="refuses this conversation: Never"):
        prompt_tokens(tokenizer, asked)


def test_without_a_template_the_text_is_continued_as_rows_of_text_begin(tiny_model):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.chat_template = None
    talk = [("user", "The sea"), ("assistant", " is blue."), ("user", " And wide")]
    ids = prompt_tokens(tokenizer, [{"role": role, "content": content} for role, content in talk])
    assert (
        ids
        == tokenizer("The sea is blue. And wide")["input_ids"]
        == text_tokens(tokenizer, "The sea is blue. And wide")
    )
