"""A row that does not begin as the model is asked is noted."""

import pytest
from transformers import AutoTokenizer
from trl.chat_template_utils import deepseek_r1_distill_chat_template

from finetune.data.asking import notes_of_asking
from finetune.methods.dpo import DPO
from finetune.methods.sft import SFT

ROWS = [
    {"messages": [{"role": "user", "content": f"{n}?"}, {"role": "assistant", "content": f"{n}!"}]} for n in range(30)
]
PAIR = {"prompt": ROWS[0]["messages"][:1], "chosen": ROWS[0]["messages"][1:], "rejected": ROWS[1]["messages"][1:]}


@pytest.fixture
def tokenizer(tiny_model):
    return AutoTokenizer.from_pretrained(tiny_model)


def test_rows_that_begin_as_the_model_is_asked_need_no_note(tokenizer):
    assert notes_of_asking(ROWS, tokenizer, SFT().sequences) == []
    assert notes_of_asking([PAIR], tokenizer, DPO().sequences) == []
    assert notes_of_asking([{"text": "plain"}], tokenizer, SFT().sequences) == []


def test_an_empty_thought_is_noted(tokenizer):
    tokenizer.add_special_tokens({"bos_token": "<s>"})
    tokenizer.chat_template = deepseek_r1_distill_chat_template
    ((level, words),) = notes_of_asking(ROWS, tokenizer, SFT().sequences)
    assert level == "info" and "<think>" in words and "empty one" in words
    answer = {"role": "assistant", "content": "<think>\nhm\n</think>\n\nyes"}
    assert notes_of_asking([{"messages": [ROWS[0]["messages"][0], answer]}], tokenizer, SFT().sequences) == []


def test_a_prompt_that_rows_do_not_begin_with_is_noted(tokenizer):
    tokenizer.chat_template = tokenizer.chat_template.replace(
        "assistant\n' }}{% endif", "assistant\nSure! ' }}{% endif"
    )
    ((level, words),) = notes_of_asking(ROWS, tokenizer, SFT().sequences)
    assert level == "warning" and words.startswith("20 of the first 20 rows")


def test_a_conversation_that_the_template_refuses_is_no_matter_here(tokenizer):
    tokenizer.chat_template = "{{ raise_exception('no') }}"
    assert notes_of_asking(ROWS, tokenizer, SFT().sequences) == []
