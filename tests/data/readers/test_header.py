import pytest

from finetune.data.readers.header import Header, are_names, header_of, is_known


@pytest.mark.parametrize(
    "first, rows, wanted",
    [
        (["prompt", "completion"], [["Oslo?", "Yes."], ["Bern?", "No."]], Header.NAMES),
        (["Where is Oslo?", "In Norway."], [["Where is Bern?", "In the Alps."], ["Who?", "Me."]], Header.ROW),
        (["1", "2"], [["3", "4"], ["5", "6"]], Header.ROW),
        (
            ["Oslo food", "fish and water"],
            [["Bern food", "cheese and water"], ["Rome food", "rice and water"]],
            Header.ROW,
        ),
        (["What do you like?", "Why?"], [["The sea.", "It is wide."], ["The sky.", "It is high."]], Header.NAMES),
        (["2024", "2025"], [["good", "bad"], ["bad", "good"]], Header.NAMES),
        (["en", "de"], [["dog", "Hund"], ["cat", "Katze"]], Header.NAMES),
        (["old word", "new word"], [["fine hat", "nice cap"], ["big ship", "large boat"]], Header.UNSURE),
        (["Where is Oslo?", "In Norway."], [["Where is Bern?", "In the Alps."]], Header.NAMES),
        (["name", ""], [["x", "y"], ["z", "w"]], Header.NAMES),
        (["Frage", "Antwort"], [["Was kostet das?", "Einen Euro."], ["Und das?", "Zwei."]], Header.NAMES),
        (["x" * 300, "y"], [["z" * 250, "w"], ["v" * 350, "u"]], Header.ROW),
    ],
)
def test_a_first_record_is_judged_by_those_below_it(first, rows, wanted):
    assert header_of(first, rows) == wanted


def test_names_are_short_different_and_known_or_words():
    assert are_names(["prompt", "whatever it is"]) and are_names(["colA", "col-B"])
    assert not are_names(["a", "a"]) and not are_names(["x y", "z"]) and not are_names(["1", "2"])
    assert is_known(" System Prompt ") and not is_known("Lisbon")
