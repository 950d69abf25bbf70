import pytest

from finetune.methods import METHODS


def test_methods_are_found_by_being_there():
    assert list(METHODS) == ["sft", "dpo"]


@pytest.mark.parametrize("method", METHODS.values())
def test_each_method_speaks_to_both_readers(method):
    assert method.title and method.plain.endswith(".") and method.engineer.endswith(".")
    assert method.reads


def test_a_type_is_read_by_its_own_name_only():
    assert all(name == method().type for name, method in METHODS.items())
