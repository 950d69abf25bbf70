import pytest

from finetune.data.formats.format import RowError
from finetune.data.formats.preference import Preference

USER = {"role": "user", "content": "q"}
GOOD = {"role": "assistant", "content": "good"}
BAD = {"role": "assistant", "content": "bad"}
EXAMPLE = {"prompt": [USER], "chosen": [GOOD], "rejected": [BAD]}
HUMAN = {"from": "human", "value": "q"}

SPELLINGS = {
    "texts": {"prompt": "q", "chosen": "good", "rejected": "bad"},
    "turns": EXAMPLE,
    "a text and turns": {"prompt": "q", "chosen": [GOOD], "rejected": [BAD]},
    "whole conversations": {"chosen": [USER, GOOD], "rejected": [USER, BAD]},
    "whole conversations and their prompt": {"prompt": "q", "chosen": [USER, GOOD], "rejected": [USER, BAD]},
    "single messages": {"prompt": "q", "chosen": GOOD, "rejected": BAD},
    "ShareGPT": {
        "prompt": [HUMAN],
        "chosen": [{"from": "gpt", "value": "good"}],
        "rejected": [{"from": "gpt", "value": "bad"}],
    },
    "transcripts": {"chosen": "\n\nHuman: q\n\nAssistant: good", "rejected": "\n\nHuman: q\n\nAssistant: bad"},
    "other names": {"Question": "q", "Preferred": "good", "Worse": "bad"},
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_each_spelling_gives_the_same_example(spelling):
    row = SPELLINGS[spelling]
    found = Preference().recognize(tuple(row), [row])
    assert found is not None and found.score == 1.0
    assert Preference().example(row, found.columns) == EXAMPLE


def pairs(*texts):
    return [{"chosen": chosen, "rejected": rejected} for chosen, rejected in texts]


def test_what_two_texts_begin_with_alike_is_the_prompt_once_confirmed():
    rows = pairs(("The sea is calm.", "The sea is cold."), ("A mast is tall.", "A mast is loud."))
    found = Preference().recognize(("chosen", "rejected"), rows)
    assert found.certainty == 0.8 and "begin with alike" in found.notes[0]
    assert Preference().example(rows[0], found.columns) == {
        "prompt": [{"role": "user", "content": "The sea is"}],
        "chosen": [{"role": "assistant", "content": " calm."}],
        "rejected": [{"role": "assistant", "content": " cold."}],
    }


@pytest.mark.parametrize(
    "rows",
    [
        pairs(("The sea.", "The mast."), ("A mast is tall.", "A mast is loud.")),
        pairs(("Yes, it is.", "No, it is not.")),
        [{"chosen": '["The sea is", "calm"]', "rejected": '["The sea is", "cold"]'}],
    ],
    ids=["one word alike", "none alike", "lists"],
)
def test_texts_that_hardly_begin_alike_have_no_prompt(rows):
    found = Preference().recognize(("chosen", "rejected"), rows)
    with pytest.raises(RowError, match="no prompt"):
        Preference().example(rows[0], found.columns)


def test_a_prompt_and_texts_that_begin_alike_stay_as_they_are():
    row = {"prompt": "How is it?", "chosen": "The sea is calm.", "rejected": "The sea is cold."}
    found = Preference().recognize(tuple(row), [row])
    assert found.certainty == 1 and Preference().example(row, found.columns)["chosen"][0]["content"] == row["chosen"]


def columns(row):
    return {name: name for name in row}


def test_earlier_turns_of_a_conversation_belong_to_the_prompt():
    before = [USER, GOOD, {"role": "user", "content": "more"}]
    row = {"chosen": [*before, GOOD], "rejected": [*before, BAD]}
    assert Preference().example(row, columns(row), "s") == {
        "prompt": [{"role": "system", "content": "s"}, *before], "chosen": [GOOD], "rejected": [BAD],
    }  # fmt: skip


def test_equal_answers_are_kept_for_the_report():
    row = {"prompt": "q", "chosen": "same", "rejected": "same"}
    assert Preference().example(row, columns(row))["chosen"] == Preference().example(row, columns(row))["rejected"]
    row = {"chosen": [USER, GOOD], "rejected": [USER, GOOD]}
    assert Preference().example(row, columns(row)) == {"prompt": [USER], "chosen": [GOOD], "rejected": [GOOD]}


def test_an_answer_that_mentions_a_speaker_is_no_transcript():
    row = {"prompt": "q", "chosen": "He wrote:\n\nUser: x\n\nAssistant: y", "rejected": "User: x"}
    example = Preference().example(row, columns(row))
    assert [example[part][0]["content"] for part in ("chosen", "rejected")] == [row["chosen"], row["rejected"]]


@pytest.mark.parametrize(
    "row, reason",
    [
        ({"chosen": "good", "rejected": "bad"}, "It has no prompt: the two conversations have no common prefix."),
        ({"prompt": "q", "chosen": "good", "rejected": ""}, 'Column "rejected" is empty.'),
        ({"prompt": "", "chosen": "good", "rejected": "bad"}, 'Column "prompt" is empty.'),
        ({"prompt": "q", "chosen": [], "rejected": "bad"}, 'Column "chosen" has no turns.'),
        (
            {"prompt": "q", "chosen": [USER], "rejected": [BAD]},
            'Column "chosen" does not end with an answer by the assistant.',
        ),
        ({"prompt": [USER, BAD], "chosen": "good", "rejected": "bad"}, "The prompt does not end with the user."),
        (
            {"chosen": [USER, GOOD, USER, GOOD], "rejected": [USER, BAD, USER, BAD]},
            'Column "chosen": the two conversations differ before their last answer.',
        ),
    ],
)
def test_a_row_that_is_no_pair_is_refused_with_the_reason(row, reason):
    with pytest.raises(RowError) as error:
        Preference().example(row, columns(row))

    assert str(error.value) == reason


def test_tools_go_with_their_pair_and_a_call_may_be_preferred():
    call = {"type": "function", "function": {"name": "add", "arguments": {}}}
    row = {
        "prompt": [USER],
        "chosen": [{"role": "assistant", "content": None, "tool_calls": [call]}],
        "rejected": [BAD],
        "tools": [{"name": "add"}],
    }
    found = Preference().recognize(tuple(row), [row])
    assert found.score == 1.0
    assert Preference().example(row, found.columns) == {
        "prompt": [USER],
        "chosen": [{"role": "assistant", "content": "", "tool_calls": [call]}],
        "rejected": [BAD],
        "tools": [{"type": "function", "function": {"name": "add"}}],
    }


def test_speakers_can_be_mapped():
    row = {"prompt": [{"from": "ann", "value": "q"}], "chosen": "good", "rejected": "bad"}
    assert Preference().example(row, columns(row), roles={"Ann": "user"}) == EXAMPLE


def test_a_conversation_may_end_with_the_chosen_answer():
    row = {"messages": [USER, GOOD], "rejected_response": "bad"}
    found = Preference().recognize(tuple(row), [row])
    assert found.columns == {"prompt": "messages", "rejected": "rejected_response"}
    assert Preference().example(row, found.columns) == EXAMPLE
    row = {"messages": [USER, GOOD], "chosen": GOOD, "rejected": BAD}
    assert Preference().example(row, Preference().find(tuple(row), [row], {})) == EXAMPLE


@pytest.mark.parametrize("prompt", ["q\n", "  q ", [{"role": "user", "content": "q \n"}]])
def test_a_prompt_that_the_conversations_repeat_is_said_once(prompt):
    row = {"prompt": prompt, "chosen": [USER, GOOD], "rejected": [USER, BAD]}
    assert Preference().example(row, columns(row)) == EXAMPLE
    longer = [USER, GOOD, {"role": "user", "content": "more"}]
    row = {"prompt": prompt, "chosen": [*longer, GOOD], "rejected": [*longer, BAD]}
    assert Preference().example(row, columns(row))["prompt"] == longer


def test_each_of_several_rejected_answers_gives_a_pair():
    row = {"prompt": "q", "chosen": "good", "rejected": ["bad", "worse"]}
    pairs = Preference().examples(row, columns(row))
    assert [pair["rejected"][0]["content"] for pair in pairs] == ["bad", "worse"]
    assert all(pair["chosen"] == [GOOD] for pair in pairs)
