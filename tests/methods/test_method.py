import pytest

from finetune.data.tokens import TokenSequence
from finetune.errors import DataError
from finetune.methods import METHODS, method_for


def test_methods_are_found_by_being_there():
    assert list(METHODS) == ["sft", "dpo"]


@pytest.mark.parametrize("method", METHODS.values())
def test_each_method_speaks_to_both_readers(method):
    assert method.title and method.plain.endswith(".") and method.engineer.endswith(".")
    assert method.reads


@pytest.mark.parametrize("method", METHODS.values())
def test_a_blank_row_has_the_columns_of_a_real_one_and_nothing_to_learn(method):
    sequences = 2 if "preference" in method.reads else 1
    row = method().columns((TokenSequence((0, 0), (False, False), 2),) * sequences)
    assert row == {column: method.padding_row[column] for column in row}


def test_a_type_is_read_by_its_own_name_only():
    assert all(name == method().type for name, method in METHODS.items())


def test_the_method_for_a_kind_is_the_first_that_reads_it():
    assert method_for("preference").type == "dpo" and method_for("chat").type == "sft"
    with pytest.raises(DataError, match="Nothing here learns from rated answers yet"):
        method_for("rated")
