import pytest

from finetune import errors
from finetune.errors import (
    BusyError,
    DataError,
    DiskError,
    DivergedError,
    FinetuneError,
    ModelError,
    Problem,
    RecipeError,
    RightsError,
    RunError,
    SettingError,
    first_sentence,
)

TREE = {
    RecipeError: ValueError,
    DataError: ValueError,
    ModelError: RuntimeError,
    RunError: RuntimeError,
    DiskError: RuntimeError,
    DivergedError: ArithmeticError,
    BusyError: RuntimeError,
    SettingError: ValueError,
    RightsError: PermissionError,
}


def test_each_error_has_a_standard_parent():
    assert set(FinetuneError.__subclasses__()) == set(TREE)
    for error, parent in TREE.items():
        assert issubclass(error, parent)


def test_the_tree_is_drawn_in_the_docstring():
    for error, parent in TREE.items():
        assert f"{error.__name__}({parent.__name__})" in errors.__doc__


def test_an_error_reads_as_message_hint_and_problems():
    error = RecipeError("One setting needs attention.", "Fix it.", (Problem("training.length", "It is too short."),))
    assert str(error) == "One setting needs attention. Fix it.\n- training.length: It is too short."
    assert (error.message, error.hint) == ("One setting needs attention.", "Fix it.")


def test_an_error_without_a_hint_ends_with_its_message():
    assert str(RunError("There is no run 7.")) == "There is no run 7."


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("row 17, column output", "It is empty.", "Fill it."), "row 17, column output: It is empty. Fill it."),
        (Problem("", "It is empty."), "It is empty."),
    ],
)
def test_a_problem_reads_as_a_sentence(problem, text):
    assert str(problem) == text


@pytest.mark.threat("T33", "T34")
def test_the_first_sentence_of_a_library_names_no_folder_and_no_secret():
    error = OSError("No file model.safetensors in /home/me/models/tiny/x.bin (https://me:pa55@hub.example)\nmore")
    assert first_sentence(error) == "No file model.safetensors in x.bin (https://[hidden]@hub.example)"
