import json

import pytest

from finetune.data.formats.format import RowError
from finetune.data.formats.sides import side, spoken, transcript

TURNS = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]


@pytest.mark.parametrize(
    "value",
    [TURNS, json.dumps(TURNS), [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]],
    ids=["turns", "JSON", "other keys"],
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


def test_a_transcript_begins_with_a_speaker_and_has_two():
    assert transcript("\n\nHuman: q\n\nAssistant: a") == TURNS
    assert transcript("Human: q") == transcript("So:\n\nHuman: q\n\nAssistant: a") == []


def test_a_side_is_a_transcript_too_and_has_no_weights():
    assert side({"p": "Human: q\n\nAssistant: a"}, "p", "user") == TURNS
    assert side({"p": [{**TURNS[1], "weight": 0}]}, "p", "user") == TURNS[1:]
    assert side({"p": "q"}, "p", "user") == TURNS[:1]
