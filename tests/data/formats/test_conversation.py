import pytest

from finetune.data.formats import FORMATS
from finetune.data.formats.conversation import Conversation
from finetune.data.formats.format import RowError

MESSAGES = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]


@pytest.mark.parametrize(
    "role, text, user, assistant",
    [
        ("speaker", "text", "human", "bot"),
        ("author", "message", "User", "AI"),
        ("role", "text", "user", "assistant"),
        ("sender", "text", "user", "model"),
        ("x", "y", "human", "gpt"),
    ],
)
def test_conversations_are_recognized_whatever_the_keys_and_the_column(role, text, user, assistant):
    row = {"id": "1", "foo": [{role: user, text: "q"}, {role: assistant, text: "a"}]}
    found = Conversation().recognize(tuple(row), [row])
    assert found.score == 1.0 and found.columns == {"messages": "foo"}
    assert Conversation().example(row, found.columns) == {"messages": MESSAGES}
    others = [form.recognize(tuple(row), [row]) for name, form in FORMATS.items() if name != "conversation"]
    assert not any(other and other.score for other in others)


def test_unknown_speakers_are_listed_and_can_be_mapped():
    row = {"chat": [{"speaker": "Customer", "text": "q"}, {"speaker": "Agent", "text": "a"}]}
    roles = {"customer": "user", "agent": "assistant"}
    assert Conversation().recognize(("chat",), [row]).score == 0
    assert Conversation().recognize(("chat",), [row], roles=roles).score == 1.0
    assert Conversation().example(row, {"messages": "chat"}, None, roles) == {"messages": MESSAGES}
    with pytest.raises(RowError, match='"Customer", "Agent" are unknown speakers'):
        Conversation().example(row, {"messages": "chat"})
