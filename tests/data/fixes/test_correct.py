from finetune.data.fixes.correct import Correct
from finetune.data.table import Table
from tests.rows import clean, finding, read


def test_the_row_has_its_new_values_and_the_others_their_own():
    rows = clean(3)
    before = read(rows)
    after = read(rows, Correct(row=2, values={"completion": "Better."}))
    assert after.rows == [1, 2, 3] and after.examples[::2] == before.examples[::2]
    assert "Better." in str(after.examples[1]) and rows[1]["prompt"] in str(after.examples[1])
    assert rows[1]["completion"] not in str(after.examples[1])


def test_a_row_that_could_not_be_read_can_be_after():
    rows = clean(120)
    rows[4]["completion"] = ""
    assert finding(rows, "rejected").rows == (5,)
    assert finding(rows, "rejected", Correct(row=5, values={"completion": "A good answer."})) is None


def test_a_missing_row_is_ignored():
    table = Table("CSV")
    table.add({"a": "1"})
    assert Correct(row=2, values={"a": "2"}).on_table(table).rows == [{"a": "1"}]


def test_the_words_name_row_and_columns():
    assert Correct(row=1204, values={"a": 1, "b": 2}).words == "Row 1,204 was corrected: a and b."
