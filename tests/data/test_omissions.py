"""Compared with what plain Transformers renders: a part that changes nothing in its text is omitted."""

import json

import pytest
from transformers import AutoTokenizer
from trl import chat_template_utils as known

from finetune.data.loading import read
from finetune.data.omissions import require_all_rendered
from finetune.data.settings import DataSettings
from finetune.data.tokens import chat_sequence, preference_sequences
from finetune.errors import DataError
from tests.data.test_cases import CASES

TOOL = {
    "type": "function",
    "function": {
        "name": "search",
        "description": "Looks things up",
        "parameters": {"type": "object", "properties": {"q": {"type": "string"}}},
    },
}
CALL = {"id": "abcdefghi", "type": "function", "function": {"name": "search", "arguments": {"q": "Lisbon"}}}
CALLED = [
    {"role": "user", "content": 'Please search for Lisbon, "q" and search.'},
    {"role": "assistant", "content": "", "tool_calls": [CALL]},
    {"role": "tool", "content": "search: Lisbon", "tool_call_id": "abcdefghi", "name": "search"},
    {"role": "assistant", "content": "Lisbon is a town; search: Lisbon."},
]
PLAIN = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
CALLS = (
    "{% if tools %}{{ TOOLS }}{% endif %}{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% if message['role'] != 'tool' %}{{ message['content'] }}{% else %}{{ RESULT }}{% endif %}"
    "{% for call in message['tool_calls'] or [] %}{{ CALL }}{% endfor %}"
    "{{ '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def writing(tools="tools | tojson", result="message['content']", call="call.function | tojson"):
    return CALLS.replace("TOOLS", tools).replace("RESULT", result).replace("CALL", call)


def thought(words, answer):
    return {"role": "assistant", "content": f"<think>\n{words}\n</think>\n\n{answer}"}


@pytest.fixture(scope="module")
def tokenizer(tiny_model):
    return AutoTokenizer.from_pretrained(tiny_model)


def reason(tokenizer, template, messages, tools=None, **options):
    """Why a conversation is refused, or an empty text."""
    tokenizer.chat_template = template
    try:
        require_all_rendered(tokenizer, messages, tools, None, **options)
    except DataError as error:
        return error.message.removeprefix("This model's chat template omits ")
    return ""


@pytest.mark.parametrize(
    "template, omitted",
    [
        (writing(), ""),
        (writing(call="call.function.name | upper ~ call.function.arguments | tojson | upper"), ""),
        (writing(tools="''"), 'tools: it does not render "search" in their list.'),
        (writing(tools="tools | map(attribute='function.name') | join(' ')"),
         'tools: it does not render "search" in their list with its parameters.'),
        (writing(call="''"), 'tools: it does not render the call of "search".'),
        (writing(call="call.function.name"), 'tools: it does not render the call of "search" with its arguments.'),
        (writing(call="call.function.arguments | tojson"), 'tools: it does not render the call of "search".'),
        (writing(result="'search: Lisbon'"), "tools: it does not render their results (turn 3)."),
        (PLAIN, 'tools: it does not render the call of "search".'),
    ],
)  # fmt: skip
def test_words_of_the_conversation_are_no_proof(tokenizer, template, omitted):
    assert reason(tokenizer, template, CALLED, [TOOL]) == omitted


@pytest.mark.parametrize(
    "file, template, omitted",
    [
        ("tool_named_by_common_word.jsonl", PLAIN, "tools: it does not render"),
        ("think_multi_turn.jsonl", known.glm4moe_chat_template, "the reasoning of an answer (turn 2)."),
        ("think_multi_turn.jsonl", known.qwen3_chat_template, "the reasoning of an answer (turn 2)."),
        ("think_multi_turn.jsonl", PLAIN, ""),
        ("short_thought_substring.jsonl", PLAIN, ""),
    ],
)
def test_files_of_people(tokenizer, file, template, omitted):
    example = read(CASES / "open" / file, DataSettings(path=file)).examples[0]
    found = reason(tokenizer, template, example["messages"], example.get("tools"))
    assert found.startswith(omitted) and bool(found) == bool(omitted)


def test_of_several_calls_and_tools_none_may_be_missing(tokenizer):
    twice = [CALLED[0], {**CALLED[1], "tool_calls": [CALL, CALL]}, CALLED[2], *CALLED[2:]]
    first = writing(call="message['tool_calls'][0].function | tojson")
    assert reason(tokenizer, writing(), twice, [TOOL, TOOL]) == ""
    assert reason(tokenizer, first, twice, [TOOL]) == 'tools: it does not render the call of "search".'
    one = writing(tools="tools[0] | tojson")
    assert reason(tokenizer, one, CALLED, [TOOL, TOOL]) == 'tools: it does not render "search" in their list.'


def test_texts_are_not_lost_either(tokenizer):
    chat = [{"role": "system", "content": "Be brief."}, *CALLED[::3]]
    without = "{% for message in messages if message['role'] != 'system' %}{{ message['content'] }}{% endfor %}"
    assert reason(tokenizer, without, chat) == "the system prompt."
    beside = [CALLED[0], {**CALLED[1], "content": "Let me see."}, *CALLED[2:]]
    assert reason(tokenizer, known.llama3_1_chat_template, beside, [TOOL]) == "the text beside a tool call (turn 2)."
    assert reason(tokenizer, known.qwen2_5_chat_template, beside, [TOOL]) == ""


def test_a_thought_is_kept_in_every_answer_that_is_trained(tokenizer):
    chat = [CALLED[0], thought("0", "0 is even."), {"role": "user", "content": "0?"}, thought("0", "0 is 0.")]
    glm = known.glm4moe_chat_template
    assert reason(tokenizer, glm, chat) == "the reasoning of an answer (turn 2)."
    assert reason(tokenizer, glm, chat, untrained={1}) == reason(tokenizer, glm, chat[:2]) == ""
    assert reason(tokenizer, PLAIN.replace("message['content']", "message['content'].split('</think>')[-1]"), chat[:2])
    tokenizer.chat_template = glm
    with pytest.raises(DataError, match="omits the reasoning"):
        chat_sequence(chat, tokenizer, 500)
    pair = {"prompt": chat[:3], "chosen": chat[3:], "rejected": [thought("1", "Odd.")]}
    assert preference_sequences(pair, tokenizer, 500)[0].has_trained_tokens
    chat[1] = {**chat[1], "weight": 0}
    assert chat_sequence(chat, tokenizer, 500).has_trained_tokens


TEMPLATES = {
    name: template
    for name in sorted(dir(known))
    if name.endswith("chat_template") and "training" not in name and isinstance(template := getattr(known, name), str)
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_known_templates_are_judged_by_what_transformers_renders(tokenizer, name):
    """What is accepted really depends on each name, argument and result."""
    tokenizer.chat_template = TEMPLATES[name]
    if reason(tokenizer, TEMPLATES[name], CALLED, [TOOL]) or "text" not in _text(tokenizer, CALLED, "text"):
        return
    whole = _text(tokenizer, CALLED)
    for old, new in (('"name": "search"', '"name": "find"'), ('"Lisbon"}', '"Rome"}'), ("search: Lisbon", "none")):
        turns = json.loads(json.dumps(CALLED).replace(old, new))
        assert _text(tokenizer, turns) != whole


def _text(tokenizer, messages, answer=None):
    messages = [*messages[:-1], {"role": "assistant", "content": answer}] if answer else messages
    try:
        return tokenizer.apply_chat_template(messages, tools=[TOOL], tokenize=False)
    except Exception:
        return ""


def test_conversations_of_one_shape_are_examined_once(tokenizer, monkeypatch):
    tokenizer.chat_template, count = "{# its own #}" + writing(), []
    render = tokenizer.apply_chat_template
    monkeypatch.setattr(
        tokenizer, "apply_chat_template", lambda *args, **options: count.append(1) or render(*args, **options)
    )
    require_all_rendered(tokenizer, CALLED, [TOOL], None)
    first = len(count)
    other = json.loads(json.dumps(CALLED).replace("Lisbon", "Rome"))
    require_all_rendered(tokenizer, other, [TOOL], None)
    assert len(count) == first > 0
    require_all_rendered(tokenizer, other[:1] + other[3:], None, None)
    assert len(count) > first
