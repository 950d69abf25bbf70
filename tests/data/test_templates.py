import pytest
from transformers import AutoTokenizer
from trl import chat_template_utils as known

from finetune.data.templates import NoTemplateError, apply, marked_template, render
from finetune.errors import DataError

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
