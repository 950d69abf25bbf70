import pytest

from finetune.data.formats.format import RowError
from finetune.data.marks import Marks, is_held_out, marks_of


def found(rows, read=frozenset()):
    return marks_of(tuple(rows[0]), rows, set(read))


def test_rows_of_weight_zero_are_left_out_and_other_weights_are_said():
    marks = found([{"weight": 0}, {"weight": 1}, {"weight": 2.5}])
    assert marks.columns == {"weight"} and "such as 2.5" in marks.notes[1]
    marks.check({"weight": 2.5})
    marks.check({})
    with pytest.raises(RowError, match='Column "weight" is 0'):
        marks.check({"weight": "0"})


@pytest.mark.parametrize("values", [[70, 81], ["heavy"], [-1, 1], [None], [True]])
def test_what_is_no_weight_of_a_row_is_left_alone(values):
    assert found([{"weight": value} for value in values]) == Marks()


@pytest.mark.parametrize(
    "values, is_split",
    [
        (["train", "test"], True),
        (["Train", "VALIDATION", "dev"], True),
        (["train", "train"], False),
        (["test"], False),
        (["train", "bus"], False),
    ],
)
def test_a_split_names_training_and_held_out_rows(values, is_split):
    assert found([{"split": value} for value in values]).split == ("split" if is_split else "")
    assert found([{"split": value} for value in values], {"split"}).split == ""


def test_which_splits_are_held_out():
    assert is_held_out("Test") and is_held_out("val") and not is_held_out("train") and not is_held_out(None)


def test_rows_with_images_are_refused_and_words_about_them_are_not():
    marks = found([{"images": ["a.png"]}, {"images": []}])
    marks.check({"images": []})
    with pytest.raises(RowError, match="holds images, which cannot be read here"):
        marks.check({"images": ["a.png"]})
    assert found([{"image": "a dog on a lawn"}]).columns == set()
