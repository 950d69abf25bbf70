"""The token that ends a turn is the one that the rows teach, whatever the tokenizer calls its end token."""

import re
from types import SimpleNamespace

import pytest
from transformers import AddedToken, AutoTokenizer

from finetune.data.tokens import chat_sequence, with_chatml
from finetune.models.turn_end import end_ids, turn_end, turn_end_problem

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
CHAT = [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Yes."}]


@pytest.fixture
def tokenizer(tiny_model):
    """As the base models of Qwen2.5 have it: texts end with ``<|endoftext|>``, turns with ``<|im_end|>``."""
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.eos_token, tokenizer.chat_template = "<|endoftext|>", CHATML
    return tokenizer


def ends(tokenizer):
    return tokenizer.convert_ids_to_tokens(list(turn_end(tokenizer)))


@pytest.mark.parametrize(
    ("after", "end"),
    [
        ("'<|im_end|>\n'", "<|im_end|>"),
        ("eos_token", "<|endoftext|>"),
        ("' ' + eos_token", "<|endoftext|>"),
        ("'<|im_end|>\n' + eos_token", "<|im_end|>"),
        ("'\n\n<|im_end|>'", "<|im_end|>"),
    ],
)
def test_the_token_after_an_answer_ends_a_turn(tokenizer, after, end):
    tokenizer.add_tokens([AddedToken("\n\n", normalized=False)])
    tokenizer.chat_template = CHATML.replace("'<|im_end|>\n'", "(" + after + ")")
    assert ends(tokenizer) == [end] and turn_end_problem(tokenizer) is None


def test_a_token_that_is_not_marked_as_special_ends_a_turn_too(tokenizer):
    tokenizer.add_tokens(["</turn>"])
    tokenizer.chat_template = CHATML.replace("<|im_end|>", "</turn>")
    assert ends(tokenizer) == ["</turn>"]


@pytest.mark.parametrize(
    ("after", "words"), [("###", 'ends an answer with "###"'), ("", "writes no end-of-turn token")]
)
def test_a_template_that_ends_turns_with_no_token_is_a_problem(tokenizer, after, words):
    tokenizer.chat_template = CHATML.replace("<|im_end|>", after).replace("<|im_start|>", "@")
    assert turn_end(tokenizer) == ()
    assert words in turn_end_problem(tokenizer) and "ChatML" in turn_end_problem(tokenizer)
    mended = with_chatml(tokenizer)
    assert ends(mended) == ["<|im_end|>"] and turn_end_problem(mended) is None


def test_a_tokenizer_that_cannot_chat_has_no_turns(tokenizer):
    for template in (None, "{{ raise_exception('no') }}", "nothing of it"):
        tokenizer.chat_template = template
        assert turn_end(tokenizer) == () and turn_end_problem(tokenizer) is None


def test_an_answer_ends_at_the_models_own_end_tokens_too(tokenizer):
    model = SimpleNamespace(generation_config=SimpleNamespace(eos_token_id=[5, 6]))
    own, turn = tokenizer.convert_tokens_to_ids(["<|endoftext|>", "<|im_end|>"])
    assert end_ids(tokenizer, model) == {5, 6, own, turn}
    model.generation_config.eos_token_id = None
    assert end_ids(tokenizer, model) == {own, turn}


def test_the_end_of_a_turn_is_trained_where_the_markers_stop_before_it(tiny_model):
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.eos_token = "<|endoftext|>"
    inside = "{{ message['content'] + '<|im_end|>' }}{% endgeneration %}"
    outside = "{{ message['content'] }}{% endgeneration %}{{ '<|im_end|>' }}"
    assert inside in tokenizer.chat_template
    tokenizer.chat_template = tokenizer.chat_template.replace(inside, outside)
    row = chat_sequence([*CHAT, *CHAT], tokenizer, 500)
    end = turn_end(tokenizer)[0]
    assert sum(flag for token, flag in zip(row.ids, row.trained) if token == end) == 2


def test_the_templates_of_known_models_end_turns_with_a_token_that_is_trained(tiny_model):
    from trl import chat_template_utils as known

    found = {}
    for name, template in vars(known).items():
        if not name.endswith("_chat_template") or not isinstance(template, str) or "training" in name:
            continue
        tokenizer = AutoTokenizer.from_pretrained(tiny_model)
        names = re.findall(r"<[|｜][^|｜<>]+[|｜]>|</?s>|<(?:start|end)_of_turn>|<turn\|>|<\|turn>", template)
        tokenizer.add_special_tokens({"additional_special_tokens": sorted({*names, "<s>"}), "bos_token": "<s>"})
        tokenizer.chat_template = template
        if not turn_end(tokenizer):
            assert any(model in name for model in ("idefics3", "llava", "smolvlm")), name
            continue
        row = chat_sequence(CHAT, tokenizer, 5000)
        trained = [token for token, flag in zip(row.ids, row.trained) if flag]
        assert turn_end(tokenizer)[0] in trained and turn_end_problem(tokenizer) is None, name
        found[name] = ends(tokenizer)[0]
    assert len(found) > 30
    assert found["llama3_chat_template"] == "<|eot_id|>" and found["gemma3_chat_template"] == "<end_of_turn>"
    assert found["glm4moe_chat_template"] == "<|user|>" and found["gptoss_chat_template"] == "<|return|>"
