import pytest

from finetune.data.formats.contents import content_of, is_nothing, sample


@pytest.mark.parametrize(
    "values, kind",
    [
        (["The sea is blue and wide.", None, ""], "text"),
        (["日本の首都はどこですか。とても大きな町です。"], "text"),
        (["food", "drink", "side dish"], "label"),
        (["c0ffee12ab", "77ab00e1ff"], "id"),
        ([1, 2.5], "number"),
        (["1,234", "5 %".replace(" ", "")], "number"),
        ([True, False, None], "flag"),
        (["2024-05-01", "2024-05-02T10:00:00Z"], "date"),
        (["https://example.org/a", "img/bread.png"], "link"),
        ([["One sentence of a list of them."]], "list"),
        (['[{"role": "user", "content": "Written as JSON."}]'], "list"),
        ([{"text": "One sentence of an object."}], "object"),
        ([[1, 2, 3]], "label"),
        ([None, "", [], float("nan")], "empty"),
    ],
)
def test_what_a_column_holds(values, kind):
    assert content_of([{"a": value} for value in values], "a").kind == kind


def test_what_describes_a_row_is_not_missed():
    for name, is_missed in (("metadata", False), ("history", True)):
        assert content_of([{name: {"from": "a web page of the town"}}], name).is_meaningful == is_missed


def test_characters_are_those_of_texts_and_long_values_do_not_decide():
    content = content_of([{"a": "word " * 400}, {"a": "one two three four"}, {}], "a")
    assert content.characters == (2000 + 18) // 2 and content.weight == 500 + 18


def test_nothing_is_what_a_person_would_call_empty():
    assert is_nothing(" \n") and not is_nothing(0) and not is_nothing(False)


def test_a_sample_is_spread_over_all_rows():
    rows = [{"n": n} for n in range(1000)]
    assert [row["n"] for row in sample(rows)][:3] == [0, 5, 10] and len(sample(rows)) == 200
    assert sample(rows[:7]) == rows[:7]
