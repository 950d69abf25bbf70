"""The Modelfile as Ollama reads it: its template is expanded here by the rules of Go's text/template."""

import re

import pytest

from finetune.errors import RunError
from finetune.exports.llama_cpp.modelfile import go_template, modelfile, require_quotable
from finetune.exports.llama_cpp.turns import Turns, turns
from tests.exports.llama_cpp.go_templates import expand
from tests.exports.llama_cpp.test_turns import CONVERSATIONS, PUBLISHED, TOLD, rendered, with_template
from tests.exports.llama_cpp.tiny_families import SPECIAL, tokenizer

CHATML = Turns(("<u>", "</u>"), ("<a>", "</a>"), "<a>", system=("<s>", "</s>"))


def lines_of(text: str) -> dict[str, list[str]]:
    """The instructions of a Modelfile with their values, which three quotation marks may enclose."""
    found = {}
    for name, quoted, plain in re.findall(r'^([A-Z]+) (?:"""(.*?)"""|([^\n]+))$', text, re.DOTALL | re.MULTILINE):
        found.setdefault(name, []).append(quoted or plain)
    return found


@pytest.mark.parametrize("kind", [kind for kind in SPECIAL if SPECIAL[kind][1]])
def test_the_template_of_ollama_writes_what_the_chat_template_writes(kind):
    made = tokenizer(kind)
    template = go_template(turns(made))
    for messages in CONVERSATIONS:
        assert expand(template, messages) == rendered(made, messages)


@pytest.mark.parametrize("name", [name for name in TOLD if (PUBLISHED / name).is_file()])
def test_published_templates_are_written_alike(name):
    made = with_template((PUBLISHED / name).read_text(encoding="utf-8"))
    found = turns(made)
    for messages in CONVERSATIONS if found.system else CONVERSATIONS[:1]:
        assert expand(go_template(found), messages) == rendered(made, messages)


def test_a_default_system_prompt_stands_only_where_there_is_no_other():
    template = go_template(Turns(("<u>", ""), ("<a>", ""), "<a>", default="<s>kind", system=("<s>", "")))
    assert expand(template, CONVERSATIONS[0]) == "<s>kind<u>One?<a>"
    assert expand(template, CONVERSATIONS[1]) == "<s>Be short.<u>One?<a>"


def test_it_names_the_file_the_system_prompt_and_the_ends():
    found = lines_of(modelfile("x.gguf", CHATML, 'Say "Arr" often.\n\nYes.', ["<|im_end|>"], True))
    assert found["FROM"] == ["./x.gguf"] and found["SYSTEM"] == ['Say "Arr" often.\n\nYes.']
    assert found["PARAMETER"] == ['stop "<|im_end|>"'] and found["TEMPLATE"] == [go_template(CHATML)]


def test_without_turns_ollama_looks_for_a_template_itself():
    assert list(lines_of(modelfile("x.gguf", None, "", [], True))) == ["FROM"]
    assert lines_of(modelfile("x.gguf", None, "", [], False))["TEMPLATE"] == ["{{ .Prompt }}"]


@pytest.mark.parametrize("word", ["{{", "}}"])
def test_words_that_mean_something_to_go_are_left_out(word):
    assert go_template(Turns((word, ""), ("", ""), "")) == ""
    assert "TEMPLATE" not in modelfile("x.gguf", Turns(('"""', ""), ("", ""), ""), "", [], True)


@pytest.mark.parametrize("system", ['a """ b', 'Say "Arr"'])
def test_a_system_prompt_that_it_cannot_hold_is_refused(system):
    with pytest.raises(RunError, match="quotation mark"):
        require_quotable(system)
