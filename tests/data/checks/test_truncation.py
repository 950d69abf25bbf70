import pytest

from tests.rows import clean, finding


def of(words):
    return {"prompt": "Tell me.", "completion": "on " * (words - 2)}


@pytest.mark.parametrize("words, length", [(70, 128), (128, 128), (129, 192)])
def test_a_length_that_fits_is_offered(words, length):
    found = finding([*clean(50), *[of(words)] * 5], "truncated")
    assert (found.severity, found.rows, found.length) == ("warning", (51, 52, 53, 54, 55), length)
    assert found.button == f"Use {length} tokens" and f"99 % fit in {length} tokens" in found.message


def test_a_few_truncated_rows_are_no_warning():
    found = finding([*clean(300), of(90)], "truncated")
    assert (found.severity, found.rows, found.length) == ("info", (301,), None)
    assert "the longest has 90 tokens" in found.message


def test_rows_that_fit_are_not_reported():
    assert finding([*clean(50), of(60)], "truncated") is None


def test_long_texts_are_cut_into_pieces_with_a_click():
    found = finding([{"text": f"{n} " * 90} for n in range(20)], "truncated")
    assert found.change == {"split_long": True} and found.button == "Cut them into pieces" and found.length is None
