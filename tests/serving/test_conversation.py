import pytest

from finetune.recipe import Recipe
from finetune.serving.conversation import asked, conversation_of, require_text
from finetune.serving.refused import Refused

USER = {"role": "user", "content": "Hi"}


def recipe(**data) -> Recipe:
    return Recipe.from_dict({"data": {"path": "x.jsonl", **data}})


def test_a_content_of_parts_is_their_texts_one_a_line():
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert conversation_of([{"role": "user", "content": parts}]) == ({"role": "user", "content": "a\nb"},)


def test_the_answer_that_a_client_sends_back_is_read():
    before = {"role": "assistant", "content": "19", "refusal": None, "tool_calls": None, "annotations": []}
    assert conversation_of([USER, before])[1] == {"role": "assistant", "content": "19"}


def test_the_recipes_system_prompt_comes_first_unless_there_is_one():
    kind = recipe(system="Be kind.")
    assert asked(kind, (USER,)) == [{"role": "system", "content": "Be kind."}, USER]
    brief = conversation_of([{"role": "developer", "content": "Be brief."}, USER])
    assert asked(kind, brief) == [{"role": "system", "content": "Be brief."}, USER]
    assert asked(kind, ({"role": "system", "content": ""}, USER)) == [USER]
    assert asked(recipe(), (USER,)) == [USER]


def test_the_recipes_fixes_apply_as_on_the_compare_tab():
    from finetune.inference.question import messages

    fixed = recipe(system="Be kind.", fixes=[{"type": "no_system"}])
    assert asked(fixed, (USER,)) == messages(fixed, "Hi") == [{"role": "user", "content": "Be kind.\n\nHi"}]


@pytest.mark.parametrize(
    ("given", "param"),
    [
        (None, "messages"),
        ([], "messages"),
        (["Hi"], "messages[0]"),
        ([{"content": "Hi"}], "messages[0].role"),
        ([USER, {"role": "tool", "content": "x"}], "messages[1].role"),
        ([{"role": ["user"], "content": "x"}], "messages[0].role"),
        ([{"role": "user"}], "messages[0].content"),
        ([{"role": "user", "content": []}], "messages[0].content"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}], "messages[0].content[0]"),
        ([{"role": "user", "content": ["Hi"]}], "messages[0].content[0]"),
        ([{**USER, "name": "ada"}], "messages[0].name"),
        ([{"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}], "messages[0].tool_calls"),
        ([{"role": "user", "content": "\ud800"}], "messages[0].content"),
    ],
)
def test_what_is_no_conversation_is_refused_by_its_place(given, param):
    with pytest.raises(Refused) as refused:
        conversation_of(given)
    assert refused.value.param == param and refused.value.status == 400
    assert refused.value.sentence.startswith(param) and refused.value.sentence.endswith(".")


def test_a_system_prompt_alone_asks_nothing():
    with pytest.raises(Refused, match="none of them is of the user"):
        asked(recipe(), ({"role": "system", "content": "Be kind."},))


def test_half_a_character_is_no_text():
    assert require_text("🙂", "prompt") == "🙂"
    with pytest.raises(Refused, match="half a character"):
        require_text("\udc00", "prompt")
