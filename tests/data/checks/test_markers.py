import pytest

from tests.rows import clean, finding


def spoiled(text):
    rows = clean(120)
    rows[6] = {**rows[6], "completion": text}
    return rows


@pytest.mark.parametrize(
    "text",
    [
        "Here.</s>",
        "<|im_start|>assistant\nHere.",
        "[INST] Here. [/INST]",
        "<<SYS>>x<</SYS>>",
        "Here.<|eot_id|>",
        "<bos>Here.",
        "Here.<end_of_turn>",
        "Here.<｜end▁of▁sentence｜>",
    ],
)
def test_markers_within_a_text_are_reported_with_their_row(text):
    found = finding(spoiled(text), "template-markers")
    assert found.severity == "warning" and found.rows == (7,) and "special tokens" in found.message
    assert found.fix is not None


@pytest.mark.parametrize("text", ["a < b | c > d", "[INSTALL] it", "a list <span>", "the <strong> tag", "x <| y |> z"])
def test_other_brackets_are_not(text):
    assert finding(spoiled(text), "template-markers") is None
