import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.errors import DataError
from finetune.ui.data.editor import blank, read, written

CHAT = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ahoy!\n\nWhat now?"}]


def test_a_conversation_is_written_as_who_says_what():
    assert written(CHAT) == "user: Hi\nassistant: Ahoy!\n\nWhat now?"
    assert read("user: Hi\nassistant: Hello.", CHAT)[1] == {"role": "assistant", "content": "Hello."}


turns = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", "system"]), "content": st.text()}), min_size=1
)


@given(st.one_of(st.text(), turns, st.lists(st.integers()), st.dictionaries(st.text(), st.none())))
def test_what_was_not_edited_comes_back_as_it_was(value):
    assert read(written(value), value) == value


def test_text_that_looks_like_a_turn_is_not_taken_for_one():
    value = [{"role": "user", "content": "Say\nuser: me"}]
    assert written(value).startswith("[") and read(written(value), value) == value


@pytest.mark.parametrize("text, like, words", [("Hello", CHAT, "user:"), ("{", {"a": 1}, "line 1")])
def test_what_cannot_be_read_says_how_to_write_it(text, like, words):
    with pytest.raises(DataError, match=words):
        read(text, like)


def test_a_new_row_starts_like_the_others():
    assert blank(CHAT).startswith("user:") and blank("text") == ""
    assert written(None) == "" and read("x", None) == "x"
