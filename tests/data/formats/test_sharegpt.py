import pytest

from finetune.data.formats.format import RowError
from finetune.data.formats.sharegpt import ShareGPT

ROW = {"id": "1", "conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}


def test_it_is_told_by_from_and_value():
    assert ShareGPT().recognise(("id", "conversations"), [ROW]).columns == {"messages": "conversations"}
    assert ShareGPT().recognise(("id",), [{"id": [{"role": "user", "content": "q"}]}]) is None


def test_its_roles_become_those_that_templates_know():
    assert ShareGPT().example(ROW, {"messages": "conversations"}) == {
        "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    }


def test_an_unknown_speaker_is_named():
    row = {"conversations": [{"from": "observation", "value": "q"}]}
    with pytest.raises(RowError, match='Turn 1 has the role "observation"'):
        ShareGPT().example(row, {"messages": "conversations"})
