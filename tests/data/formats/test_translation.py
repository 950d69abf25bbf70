import pytest

from finetune.data.formats.format import RowError
from finetune.data.formats.translation import Translation
from finetune.data.formats.turns import exchange

PAIR = {"en": "Good day.", "de": "Guten Tag."}
GERMAN = exchange("Translate from English to German.\n\nGood day.", "Guten Tag.")


@pytest.mark.parametrize(
    "row",
    [
        {"en": "Good day.", "de": "Guten Tag."},
        {"id": 1, "English": "Good day.", "German": "Guten Tag."},
        {"en_text": "Good day.", "de_text": "Guten Tag."},
        {"translation": {"en": "Good day.", "de": "Guten Tag."}},
        {"translation": '{"en": "Good day.", "de": "Guten Tag."}'},
    ],
)
def test_two_languages_are_translated_in_their_order(row):
    seen = Translation().recognize(tuple(row), [row])
    assert Translation().example(row, seen.columns) == GERMAN
    assert seen.certainty < 0.9 and "from English into German" in seen.notes[0]


@pytest.mark.parametrize("row", [PAIR, {"translation": PAIR}])
def test_the_direction_and_the_instruction_can_be_named(row):
    mapped = {"source": "de", "target": "en", "instruction": "Into English:"}
    seen = Translation().recognize(tuple(row), [row], mapped)
    assert Translation().example(row, seen.columns) == exchange("Into English:\n\nGuten Tag.", "Good day.")


def test_one_language_or_none_is_no_translation():
    assert Translation().recognize(("en", "text"), [{"en": "Good day.", "text": "x"}]) is None
    assert Translation().recognize(("translation",), [{"translation": "Guten Tag."}]) is None
    with pytest.raises(RowError, match='"de"'):
        Translation().example({"en": "Good day."}, {"source": "en", "target": "de"})


def test_columns_may_name_the_languages_of_each_row():
    row = {"source": "Good day.", "target": "Guten Tag.", "source_lang": "en", "target_lang": "de"}
    seen = Translation().recognize(tuple(row), [row])
    assert seen.certainty == 1.0 and not seen.notes
    assert Translation().example(row, seen.columns) == exchange("Translate from en to de.\n\nGood day.", "Guten Tag.")
    assert Translation().recognize(("source", "target"), [PAIR]) is None
