import pytest

from finetune.data.formats.classification import Classification
from finetune.data.formats.format import RowError
from finetune.data.formats.turns import exchange
from tests.rows import read, report_on

TEXT = "The sea is fine today."


def found(labels, name="label"):
    rows = [{"text": TEXT, name: label} for label in labels]
    return Classification().recognize(("text", name), rows)


@pytest.mark.parametrize(
    "name, instruction",
    [
        ("label", "Classify the text."),
        ("Sentiment", "Give the sentiment of the text."),
        ("class", "Classify the text."),
    ],
)
def test_a_text_is_asked_for_its_label(name, instruction):
    seen = found(["good", "bad"], name)
    example = Classification().example({"text": TEXT, name: "good"}, seen.columns)
    assert example == exchange(f"{instruction}\n\n{TEXT}", "good") and seen.certainty > 0.9


@pytest.mark.parametrize("value, label", [(1, "1"), (2.0, "2"), (True, "true"), (["a", "b"], "a, b"), ("x", "x")])
def test_labels_of_other_types_are_texts(value, label):
    assert Classification().target({"label": value}, "label") == label


def test_numbers_without_names_are_said_and_unsure_names_are_unsure():
    assert "numbers without names (0, 1)" in found([0, 1]).notes[-1]
    assert found(["0", "1"]).notes[-1] == found([0, 1]).notes[-1]
    assert found([3, 5], "stars").certainty < 0.9


@pytest.mark.parametrize(
    "labels",
    [[f"name{n}" for n in range(40)], ["a text of several words here"] * 2, [[True], [False]], [{}]],
)
def test_what_is_no_label_is_left_alone(labels):
    assert found(labels) is None


def test_one_label_alone_is_one_only_under_a_telling_name():
    assert found(["good", "good"]) is not None and found(["good", "good"], "type") is None


def test_an_object_is_no_label():
    with pytest.raises(RowError, match="holds no label"):
        Classification().target({"label": {"a": 1}}, "label")


def test_a_label_may_be_that_of_two_texts():
    row = {"premise": TEXT, "hypothesis": "The sea is cold.", "label": "contradiction"}
    seen = Classification().recognize(tuple(row), [row, {**row, "label": "neutral"}])
    assert Classification().example(row, seen.columns) == exchange(
        f"Classify the pair of texts.\n\n{TEXT}\n\nThe sea is cold.", "contradiction"
    )


def test_equal_labels_are_no_fault():
    rows = [{"text": f"The sea is {n} wide.", "label": "good" if n % 3 else "bad"} for n in range(18)]
    codes = [finding.code for finding in report_on(read(rows)).findings]
    assert "same-answer" not in codes and "one-word-answers" not in codes


def test_a_column_of_yes_and_no_beside_a_text_may_be_its_label():
    rows = [{"text": TEXT, "toxic": n % 2, "id": n + 3} for n in range(6)]
    seen = Classification().recognize(tuple(rows[0]), rows)
    assert (
        seen.columns["target"] == "toxic"
        and seen.certainty < 0.5
        and seen.columns["instruction"] == "Classify the text."
    )
    assert Classification().recognize(("text", "n"), [{"text": TEXT, "n": n} for n in range(6)]) is None
