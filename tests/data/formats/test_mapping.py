import pytest

from finetune.data.formats.mapping import Template, check_roles, known_names, read_mapping, used
from finetune.errors import DataError


def test_names_in_braces_are_columns_and_doubled_braces_are_written():
    template = Template('{{"t": "{ title }"}} {body}.')
    assert template.segments == (('{"t": "', "title"), ('"} ', "body"), (".", None))
    assert template.columns == ["title", "body"]
    assert template == '{{"t": "{ title }"}} {body}.'


def test_a_columns_own_name_wins_over_a_template():
    mapping = read_mapping({"prompt": "{a}", "completion": "b {a}"}, ("a", "{a}"))
    assert mapping == {"prompt": "{a}", "completion": "b {a}"}
    assert not isinstance(mapping["prompt"], Template) and isinstance(mapping["completion"], Template)
    assert used(mapping) == {"{a}", "a"}


@pytest.mark.parametrize("written, name", [("c", "c"), ("{c}: {a}", "c"), ("{}", ""), ("{{a}}", "{{a}}")])
def test_a_column_that_is_not_there_is_named_with_those_that_are(written, name):
    with pytest.raises(DataError) as error:
        read_mapping({"prompt": written}, ("a", "b"))
    assert error.value.message == f'There is no column "{name}" for the field "prompt".'
    assert "There are: a, b." in error.value.hint


def test_names_are_explained_without_regard_to_case_and_only_in_known_meanings():
    check_roles({"Agent": " Assistant", "5": "good"})
    check_roles(None)
    names = {"user": "user", "gpt": "assistant"}
    assert known_names(names, None) == names
    assert known_names(names, {" Agent": "Assistant", "user": "assistant", "5": "good"}) == {
        "user": "assistant", "gpt": "assistant", "agent": "assistant",
    }  # fmt: skip
    with pytest.raises(DataError, match='"Agent" cannot be "boss"'):
        check_roles({"Agent": "boss"})
