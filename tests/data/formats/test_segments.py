import pytest

from finetune.data.formats import FORMATS
from finetune.data.formats.format import RowError

ROW = {"segments": [{"label": False, "text": "Q: why?\n"}, {"label": True, "text": "A: so"}]}
FORM = FORMATS["segments"]


def test_segments_are_one_text_with_labels():
    seen = FORM.recognize(("segments",), [ROW])
    assert seen.score == 1 and seen.columns == {"segments": "segments"}
    assert FORM.example(ROW, seen.columns) == {"text": "Q: why?\nA: so", **ROW}


def test_labels_may_be_numbers_or_words():
    row = {"segments": [{"label": 0, "text": "Q"}, {"label": "true", "text": "A"}]}
    assert [each["label"] for each in FORM.example(row, {"segments": "segments"})["segments"]] == [False, True]


@pytest.mark.parametrize(
    "segments, reason",
    [
        ([], "does not hold a list of segments"),
        ([{"text": "a"}], "does not hold a list of segments"),
        ([{"text": "a", "label": "good"}], "has a segment whose label is neither true nor false"),
        ([{"text": "a", "label": False}], "has no segment to train on"),
    ],
)
def test_other_rows_are_refused_with_the_reason(segments, reason):
    with pytest.raises(RowError, match=reason):
        FORM.example({"segments": segments}, {"segments": "segments"})


@pytest.mark.parametrize("row", [{"segments": ["a", "b"]}, {"segments": "a"}, {"text": "a"}])
def test_other_columns_are_no_segments(row):
    assert FORM.recognize(tuple(row), [row]) is None
