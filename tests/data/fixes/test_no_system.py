import pytest
from transformers import AutoTokenizer
from trl import chat_template_utils as known

from finetune.data.fixes.no_system import NoSystem
from finetune.data.report import check
from finetune.data.tokens import chat_sequence
from finetune.errors import DataError
from tests.rows import pair, read

ROW = {"messages": [
    {"role": "system", "content": "Be kind."}, {"role": "user", "content": "Why?"},
    {"role": "assistant", "content": "So."},
]}  # fmt: skip
ASKED = {"role": "user", "content": "Be kind.\n\nWhy?"}


def test_the_system_prompt_becomes_the_beginning_of_the_first_question():
    assert read([ROW] * 2, NoSystem()).examples[0]["messages"] == [ASKED, ROW["messages"][2]]
    rows = [{**pair("Why?", "So.", "No."), "system": "Be kind."}] * 2
    assert read(rows, NoSystem()).examples[0]["prompt"] == [ASKED]
    assert read([{"text": "Why? So."}] * 2, NoSystem()).examples[0] == {"text": "Why? So."}
    assert (
        read([{"prompt": "Why?", "completion": "So."}] * 2, NoSystem(), system="Be kind.").examples[0]["messages"][0]
        == ASKED
    )


@pytest.mark.parametrize("template", ["gemma", "silent"])
def test_rows_that_a_template_refuses_lead_to_it(template, tiny_model):
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    without = (
        "{% for message in messages if message['role'] != 'system' %}{{ message['content'] }}<|im_end|>{% endfor %}"
    )
    tokenizer.chat_template = known.gemma_chat_template if template == "gemma" else without

    def sequences(example):
        return (chat_sequence(example["messages"], tokenizer, 500),)

    with pytest.raises(DataError, match="system prompt") as error:
        check(read([ROW] * 2), sequences)
    assert error.value.fix == "no_system" and "{type: no_system}" in error.value.hint
    assert check(read([ROW] * 2, NoSystem()), sequences).kept == 2
    plain = {"messages": ROW["messages"][1:]}
    found = {finding.code: finding for finding in check(read([ROW, plain, plain]), sequences).findings}
    assert found["rejected-no_system"].fix == NoSystem() and found["rejected-no_system"].rows == (1,)
    assert NoSystem().words.endswith(".")
