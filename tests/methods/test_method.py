import re

import pytest

from finetune.data.tokens import TokenSequence
from finetune.methods import METHODS, method_for

EXAMPLE = {"label": True, "prompt": [{"role": "user", "content": ""}]}
"""What of an example reaches a row beside its tokens."""


def test_methods_are_found_by_being_there():
    assert {"sft", "dpo", "kto"} <= set(METHODS)


@pytest.mark.parametrize("method", METHODS.values())
def test_each_method_speaks_to_both_readers(method):
    assert method.title and method.plain.endswith(".") and method.engineer.endswith(".")
    assert method.reads
    assert method.analogy.endswith(".") and method.avoid.endswith(".")
    assert re.search(r"(19|20)\d\d,", method.paper), "who, and when"


@pytest.mark.parametrize("method", METHODS.values())
def test_a_padding_row_has_the_columns_of_a_real_one(method):
    row = method().columns(EXAMPLE, (TokenSequence((0, 0), (False, False), 2),) * method.sequences_per_row)
    assert row == {column: method.padding_row[column] for column in row}


def test_a_type_is_read_by_its_own_name_only():
    assert all(name == method().type for name, method in METHODS.items())


def test_the_method_for_a_kind_is_the_first_that_reads_it():
    assert method_for("preference").type == "dpo" and method_for("chat").type == "sft"
    assert method_for("prompt").type == "grpo"
    with pytest.raises(KeyError):
        method_for("picture")
