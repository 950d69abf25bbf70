"""Reasoning is written as a template takes it, and rows begin as the model is asked."""

import re

import pytest
from transformers import AutoTokenizer
from trl import chat_template_utils as known

from finetune.data.templates import apply
from finetune.data.thoughts import parted, placed, style_of, template_of_pairs
from finetune.data.tokens import chat_sequence, preference_sequences, rated_sequence

QUESTION = {"role": "user", "content": "Which is larger?"}
PLAIN = {"role": "assistant", "content": "The sun."}
REASONED = {"role": "assistant", "content": "<think>\nStars are large.\n</think>\n\nThe sun."}
NAMES = (
    "deepseek_r1_distill",
    "nemotron_3_nano",
    "qwen3",
    "qwen3_5_think",
    "qwen3_8",
    "gptoss",
    "gemma4_v5",
    "glm4moe",
)
PARTS = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n"
    "{% if m['content'] is string %}{{ m['content'] }}{% else %}{% for part in m['content'] %}"
    "{% if part['type'] == 'thinking' %}<|startofthought|>{{ part['thinking'] }}<|endofthought|>{% else %}"
    "{{ part['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""As Command A takes reasoning: a part of the content."""


def tokenizer_of(folder, template):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    special = sorted(set(re.findall(r"<[|｜][^|｜<>]+[|｜]>|<turn\|>|<\|turn>", template)))
    tokenizer.add_special_tokens({"additional_special_tokens": special, "bos_token": "<s>"})
    tokenizer.chat_template = template
    return tokenizer


@pytest.fixture
def with_template(tiny_model):
    return lambda name: tokenizer_of(tiny_model, getattr(known, f"{name}_chat_template"))


def row(tokenizer, *messages):
    return tokenizer.decode(chat_sequence(list(messages), tokenizer, 5000).ids)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("answer", [PLAIN, REASONED], ids=["plain", "reasoned"])
def test_a_row_begins_as_the_model_is_asked(with_template, name, answer):
    tokenizer = with_template(name)
    asked = tokenizer.apply_chat_template([QUESTION], tokenize=False, add_generation_prompt=True)
    written = row(tokenizer, QUESTION, answer)
    assert written.startswith(asked) and "The sun." in written
    assert ("Stars are large." in written) == (answer is REASONED)
    assert written.count("<think>") <= 1 or name == "qwen3_8"
    assert written[len(asked) - 20 :].count("<think>") <= 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "gptoss",
            "<|channel|>analysis<|message|>Stars are large.<|end|><|start|>assistant<|channel|>final<|message|>The",
        ),
        ("gemma4_v5", "<|channel>thought\nStars are large.\n<channel|>The sun."),
        ("qwen3_8", "assistant\n<think>\nStars are large.\n</think>\n\nThe sun."),
        ("deepseek_r1_distill", "<｜Assistant｜><think>\nStars are large.\n</think>\n\nThe sun."),
    ],
)
def test_reasoning_is_written_by_the_templates_own_field(with_template, name, expected):
    assert expected in row(with_template(name), QUESTION, REASONED)


def test_reasoning_is_written_as_a_part_of_the_content(tiny_model):
    tokenizer = tokenizer_of(tiny_model, PARTS)
    assert "assistant\n<|startofthought|>Stars are large.<|endofthought|>The sun.<|im_end|>" in row(
        tokenizer, QUESTION, REASONED
    )


def test_an_answer_without_reasoning_is_trained_after_an_empty_thought_only_where_one_is_opened(with_template):
    assert "<｜Assistant｜><think>\n\n</think>\n\nThe sun." in row(
        with_template("deepseek_r1_distill"), QUESTION, PLAIN
    )
    assert "<think>" not in row(with_template("gemma4_v5"), QUESTION, PLAIN)
    assert not style_of(with_template("llama3")).opens and not style_of(with_template("qwen3")).opens


def test_questions_and_calls_are_left_as_they_are(with_template):
    tokenizer = with_template("deepseek_r1_distill")
    call = {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": {}}}]}
    assert placed(tokenizer, [QUESTION, call], known.deepseek_r1_distill_training_chat_template) == [QUESTION, call]
    assert placed(tokenizer, [QUESTION]) == [QUESTION]


@pytest.mark.parametrize("answer", [PLAIN, REASONED], ids=["plain", "reasoned"])
def test_pairs_and_rated_answers_begin_as_the_model_is_asked_too(with_template, answer):
    tokenizer = with_template("deepseek_r1_distill")
    asked = apply(tokenizer, [QUESTION], as_text=True, add_generation_prompt=True)
    other = {**answer, "content": answer["content"].replace("sun", "moon")}
    pair = preference_sequences({"prompt": [QUESTION], "chosen": [answer], "rejected": [other]}, tokenizer, 5000)
    rated = rated_sequence({"prompt": [QUESTION], "completion": [answer], "label": True}, tokenizer, 5000)
    assert all(tokenizer.decode(sequence.ids).startswith(asked) for sequence in (*pair, *rated))
    assert template_of_pairs(with_template("qwen3")) is None


PARTED = {
    "<think>\nIt is blue.\n</think>\n\nBlue.": ("It is blue.", "Blue."),
    "It is blue.\n</think>\nBlue.": ("It is blue.", "Blue."),
    "<think>It is": ("It is", ""),
    "<think>\n\n</think>\n\nBlue.": ("", "Blue."),
    "Blue.": ("", "Blue."),
    "Write <think> and </think> around it.": ("", "Write <think> and </think> around it."),
}


@pytest.mark.parametrize("answer", PARTED)
def test_an_answer_is_parted_into_its_reasoning_and_the_rest(answer):
    assert parted(answer) == PARTED[answer]
