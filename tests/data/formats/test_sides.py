import json
import time

import pytest

from finetune.data.formats.format import RowError
from finetune.data.formats.sides import answer_text, conversation_in, side, spoken
from finetune.data.formats.turns import Keys

TURNS = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]


@pytest.mark.parametrize(
    "value",
    [
        TURNS,
        json.dumps(TURNS),
        {"messages": TURNS},
        json.dumps({"messages": TURNS, "id": 1}),
        [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}],
    ],
    ids=["turns", "JSON", "object", "object as JSON", "other keys"],
)
def test_turns_are_read_however_they_are_written(value):
    assert spoken({"p": value}, "p", "user") == TURNS


def test_a_text_or_a_single_turn_is_one_turn():
    assert spoken({"p": " q "}, "p", "user") == [{"role": "user", "content": " q "}]
    assert spoken({"p": TURNS[1]}, "p", "user") == [TURNS[1]]
    assert spoken({"p": 3}, "p", "user") == [{"role": "user", "content": "3"}]
    with pytest.raises(RowError, match='Column "p" is empty'):
        spoken({"p": ""}, "p", "user")


@pytest.mark.parametrize("written", ['{"role": "user"}', '[{"name": "Ann", "text": "hi"}]', "[1, 2]", "[oops"])
def test_an_answer_in_json_stays_a_text(written):
    assert spoken({"p": written}, "p", "assistant") == [{"role": "assistant", "content": written}]


def test_speakers_can_be_mapped():
    turns = [{"speaker": "Ann", "text": "q"}]
    assert spoken({"p": turns}, "p", "user", {"ann": "user"}) == TURNS[:1]


def test_a_side_is_a_transcript_too_and_has_no_weights():
    assert side({"p": "Human: q\n\nAssistant: a"}, "p", "user") == TURNS
    assert side({"p": [{**TURNS[1], "weight": 0}]}, "p", "user") == TURNS[1:]
    assert side({"p": "q"}, "p", "user") == TURNS[:1]


def test_a_side_that_holds_the_whole_conversation_may_be_written_out_in_any_dialect():
    written = {"p": "<s>[INST] q [/INST] a </s>"}
    assert side(written, "p", "assistant", is_whole=True) == TURNS
    assert side(written, "p", "assistant") == [{"role": "assistant", "content": written["p"]}]
    assert side({"p": "Human: q\nAssistant: a"}, "p", "assistant", is_whole=True) == TURNS


@pytest.mark.parametrize("blank", ["\n", " \n", "\r\n", "\t", "\n\nHuman"])
def test_any_text_takes_linear_time(blank):
    text = blank * (200_000 // len(blank)) + "No."
    started = time.process_time()
    side({"p": text}, "p", "assistant", is_whole=True)
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "value, written",
    [
        ({"a": "é"}, '{"a": "é"}'),
        (["a", "b"], '["a", "b"]'),
        ([" a "], " a "),
        ([{"name": "Ann", "text": "hi"}], '[{"name": "Ann", "text": "hi"}]'),
        ([{"question": "q", "answer": "a"}], '[{"question": "q", "answer": "a"}]'),
    ],
)
def test_data_is_text_as_json(value, written):
    assert spoken({"p": value}, "p", "assistant") == [{"role": "assistant", "content": written}]
    assert answer_text({"p": value}, "p") == written


def test_a_list_with_a_speaker_is_a_conversation_whatever_is_wrong_with_it():
    assert conversation_in(TURNS) == (TURNS, Keys("role", "content"))
    assert conversation_in([{"name": "Ann", "text": "q"}]) is None
    assert conversation_in([{"name": "Ann", "text": "q"}], {"ann": "user"})[1] == Keys("name", "text")
    with pytest.raises(RowError, match='"ann" is an unknown speaker'):
        spoken({"p": [{"role": "ann", "content": "q"}]}, "p", "user")
    with pytest.raises(RowError, match="has no turns"):
        spoken({"p": []}, "p", "user")
    items = [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}, TURNS[1]]
    assert spoken({"p": items}, "p", "assistant") == [{"role": "assistant", "content": "<think>\nHm.\n</think>\n\na"}]
