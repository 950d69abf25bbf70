"""Chat templates as models bring them: what is asked and what is learnt is what a person expects of each."""

import re
from pathlib import Path

import pytest
import yaml
from transformers import AutoTokenizer
from trl import chat_template_utils as known

from finetune.data.templates import NoTemplateError, apply, marked_template, render
from finetune.data.tokens import chat_sequence, spans
from finetune.errors import DataError
from finetune.inference.question import prompt_tokens
from finetune.models.turn_end import turn_end

PUBLISHED = yaml.safe_load((Path(__file__).parent / "published.yaml").read_text(encoding="utf-8"))
CHAT = [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Yes."}]


@pytest.fixture
def tokenizer(tiny_model):
    return AutoTokenizer.from_pretrained(tiny_model)


def test_a_conversation_is_rendered_as_text_or_as_tokens(tokenizer):
    text = apply(tokenizer, CHAT, as_text=True)
    assert "Hi?" in text and tokenizer.decode(render(tokenizer, CHAT)) == text


def test_a_refusal_of_the_template_is_put_into_words(tokenizer):
    tokenizer.chat_template = "{{ raise_exception('roles must alternate') }}"
    with pytest.raises(DataError, match="refuses the conversation: roles must alternate"):
        apply(tokenizer, CHAT)
    tokenizer.chat_template = None
    with pytest.raises(NoTemplateError):
        apply(tokenizer, CHAT)


def test_the_template_with_markers_is_its_own_or_its_training_variant(tokenizer):
    assert marked_template(tokenizer) == tokenizer.chat_template
    tokenizer.chat_template = known.qwen3_chat_template
    assert marked_template(tokenizer) == known.qwen3_training_chat_template
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    assert marked_template(tokenizer) is None


@pytest.fixture
def published(tokenizer):
    """The tokenizer with a published template of this name, and its special tokens."""

    def give(name):
        special = set(re.findall(r"<\|\w+\|>|<(?:start|end)_of_turn>", PUBLISHED[name]["template"]))
        end = "</s>" if PUBLISHED[name]["end"] == "</s>" else "<|endoftext|>"
        tokenizer.add_special_tokens({"extra_special_tokens": sorted(special | {"</s>"})})
        tokenizer.add_special_tokens({"bos_token": "<s>", "eos_token": end})
        tokenizer.chat_template = PUBLISHED[name]["template"]
        return tokenizer

    return give


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_template_is_asked_and_learnt_as_a_person_expects(name, published):
    tokenizer, case = published(name), PUBLISHED[name]
    again = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
    expected = [case["learnt"], case["learnt"].replace("Yes.", "So.")]
    assert tokenizer.decode(prompt_tokens(tokenizer, CHAT[:1])) == case["asked"]
    for chat, learnt in ((CHAT, expected[:1]), (CHAT + again, expected)):
        found = spans(chat_sequence(chat, tokenizer, 5000), tokenizer)
        assert [text for text, is_trained in found if is_trained] == learnt
        assert found[0] == (case["asked"], False)
    assert tokenizer.convert_ids_to_tokens(list(turn_end(tokenizer))) == [case["end"]]


def test_of_named_templates_the_default_is_used(tokenizer):
    plain = tokenizer.chat_template
    expected, asked = chat_sequence(CHAT, tokenizer, 500), prompt_tokens(tokenizer, CHAT[:1])
    tokenizer.chat_template = {"default": plain, "tool_use": "{{ raise_exception('not this one') }}", "rag": "nothing"}
    assert chat_sequence(CHAT, tokenizer, 500) == expected and prompt_tokens(tokenizer, CHAT[:1]) == asked


def test_that_gemma_takes_no_system_prompt_is_said_with_its_fix(published):
    with pytest.raises(DataError, match="takes no system prompt") as refused:
        chat_sequence([{"role": "system", "content": "Be kind."}, *CHAT], published("gemma"), 500)
    assert refused.value.hint
