"""Which chat templates can be told by the words around their turns, against Transformers' own rendering."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from finetune.exports.llama_cpp.turns import turns
from finetune.models.locate import STARTER
from tests.exports.llama_cpp.tiny_families import SPECIAL, tokenizer

PUBLISHED = Path(find_spec("trl").submodule_search_locations[0]) / "chat_templates"
TOLD = (
    "qwen2_5.jinja", "qwen3.jinja", "qwen3_instruct_2507.jinja", "llama3.jinja", "llama3_1.jinja", "llama3_2.jinja",
    "gemma.jinja", "gemma3.jinja", "phi3.jinja", "phi3_5.jinja",
)  # fmt: skip
"""Templates of models on the Hub that write each turn alike, as TRL ships them."""
CONVERSATIONS = [
    [{"role": "user", "content": "One?"}],
    [{"role": "system", "content": "Be short."}, {"role": "user", "content": "One?"}],
    [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "One?"},
        {"role": "assistant", "content": "Two.\nThree."},
        {"role": "user", "content": "Four?"},
        {"role": "assistant", "content": "Five."},
        {"role": "user", "content": "Six?"},
    ],
]


def with_template(template: str, kind="llama-3"):
    found = tokenizer(kind)
    found.chat_template = template
    return found


def rendered(found, messages) -> str:
    text = found.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    return text.removeprefix(found.bos_token or "")


@pytest.mark.parametrize("kind", [kind for kind in SPECIAL if SPECIAL[kind][1]])
def test_the_turns_of_the_known_dialects_are_found(kind):
    made = tokenizer(kind)
    found = turns(made)
    assert all(found.text(each) == rendered(made, each) for each in CONVERSATIONS)
    assert found.place == {"gemma": "first", "mistral": "last"}.get(kind, "turn")


def test_the_turns_of_the_starter_are_found():
    made = AutoTokenizer.from_pretrained(STARTER)
    found = turns(made)
    assert found.user == ("<|im_start|>user\n", "<|im_end|>\n") and found.opening == "<|im_start|>assistant\n"
    assert all(found.text(each) == rendered(made, each) for each in CONVERSATIONS)


@pytest.mark.parametrize("name", [name for name in TOLD if (PUBLISHED / name).is_file()])
def test_the_turns_of_published_templates_are_found(name):
    made = with_template((PUBLISHED / name).read_text(encoding="utf-8"))
    found = turns(made)
    given = CONVERSATIONS if found.system else CONVERSATIONS[:1]
    assert all(found.text(each) == rendered(made, each) for each in given)


def test_a_default_system_prompt_is_written_where_there_is_none():
    template = (
        "{% if messages[0]['role'] != 'system' %}[S]Be kind.[/S]{% endif %}"
        "{% for m in messages %}{{ '[' + m['role'] + ']' + m['content'] + '[/]' }}{% endfor %}"
        "{% if add_generation_prompt %}[assistant]{% endif %}"
    )
    found = turns(with_template(template))
    assert found.default == "[S]Be kind.[/S]" and found.system == ("[system]", "[/]")


@pytest.mark.parametrize(
    "template",
    [
        None,
        "{% for m in messages %}{{ loop.index ~ m['content'] + ':' }}{% endfor %}",  # counts its turns
        "{% for m in messages %}{{ m['content'] | upper }}{% endfor %}",
        "{{ messages[-1]['content'] }}",
        "{{ raise_exception('no') }}",
    ],
)
def test_other_templates_are_not_told(template):
    assert turns(with_template(template)) is None


def test_a_template_without_a_place_for_a_system_prompt_has_none():
    template = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
        "{% for m in messages %}{{ '<' + m['role'] + '>' + m['content'] + '\n' }}{% endfor %}"
        "{% if add_generation_prompt %}<assistant>{% endif %}"
    )
    assert turns(with_template(template)).system is None
