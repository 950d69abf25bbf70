import pytest

from finetune.data.formats.alpaca import Alpaca
from finetune.data.formats.format import RowError
from finetune.data.formats.turns import exchange

COLUMNS = {"instruction": "instruction", "input": "input", "output": "output"}


@pytest.mark.parametrize("given", ["", None, "<noinput>", "<noInput>"])
def test_without_an_input_the_instruction_stands_alone(given):
    row = {"instruction": "Say hi.", "input": given, "output": "Hi."}
    assert Alpaca().example(row, COLUMNS) == exchange("Say hi.", "Hi.")


def test_an_input_stands_below_its_instruction():
    row = {"instruction": "Add.", "input": "1 2", "output": "3"}
    assert Alpaca().example(row, COLUMNS, "s") == exchange("Add.\n\n1 2", "3", "s")


def test_instances_give_an_example_each():
    row = {"instruction": "Add.", "instances": [{"input": "1 2", "output": "3"}, {"input": "", "output": "4"}]}
    found = Alpaca().recognize(tuple(row), [row]).columns
    assert found == {"instruction": "instruction", "instances": "instances"}
    assert Alpaca().examples(row, found) == [exchange("Add.\n\n1 2", "3"), exchange("Add.", "4")]


@pytest.mark.parametrize("instances", [None, [], "x", ["x"], [{"input": "1", "output": ""}]])
def test_instances_without_answers_are_refused(instances):
    row = {"instruction": "Add.", "instances": instances}
    with pytest.raises(RowError):
        Alpaca().examples(row, {name: name for name in row})


def test_an_instruction_alone_is_not_enough():
    assert Alpaca().recognize(("instruction", "input"), [{"instruction": "a", "input": "b"}]) is None
    assert Alpaca().missing({"instruction": "instruction"}) == ["output"]
    assert Alpaca().missing({}) == ["instruction"]


def test_dolly_is_read_too():
    row = {"instruction": "Who?", "context": "Ann runs.", "response": "Ann."}
    found = Alpaca().recognize(tuple(row), [row]).columns
    assert Alpaca().example(row, found) == exchange("Who?\n\nAnn runs.", "Ann.")
