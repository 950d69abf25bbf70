import json

import pytest

from finetune.data.formats.format import RowError
from finetune.data.formats.message_tree import MessageTree

TREE = {
    "role": "prompter",
    "text": "Where?",
    "replies": [
        {"role": "assistant", "text": "There.", "rank": 1, "replies": []},
        {
            "role": "assistant",
            "text": "Here.",
            "rank": 0,
            "replies": [
                {"role": "prompter", "text": "Since when?", "replies": [{"role": "assistant", "text": "Now."}]},
                {"role": "prompter", "text": "Why?", "replies": []},
            ],
        },
    ],
}


@pytest.mark.parametrize("tree", [TREE, json.dumps(TREE)])
def test_the_best_ranked_replies_are_followed_and_the_first_where_none_is_ranked(tree):
    row = {"message_tree_id": "a", "prompt": tree}
    found = MessageTree().recognize(tuple(row), [row])
    assert found.columns == {"tree": "prompt"} and found.score == 1.0
    turns = MessageTree().example(row, found.columns, "s")["messages"]
    assert [turn["content"] for turn in turns] == ["s", "Where?", "Here.", "Since when?", "Now."]
    assert [turn["role"] for turn in turns] == ["system", "user", "assistant", "user", "assistant"]


@pytest.mark.parametrize(
    "tree, reason",
    [("Where?", "not a message with replies"), ({"role": "prompter", "text": "a", "replies": []}, "no answer")],
)
def test_a_row_without_a_conversation_is_refused(tree, reason):
    with pytest.raises(RowError, match=reason):
        MessageTree().example({"prompt": tree}, {"tree": "prompt"})
    assert MessageTree().recognize(("prompt",), [{"prompt": "Where?"}]) is None
