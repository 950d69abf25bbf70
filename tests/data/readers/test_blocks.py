from finetune.data.readers.blocks import read_blocks
from finetune.data.table import Reading

GRID = [["prompt", "completion"], ["Where is Oslo?", "In Norway."], ["Where is Bern?", "In the Alps."]]


def test_paragraphs_are_rows():
    table = read_blocks(["One.", "", "  Two\nthree. "], "Word", Reading())
    assert table.rows == [{"text": "One."}, {"text": "Two\nthree."}] and table.notes == ["Each paragraph is a row."]
    assert read_blocks(["One.", "Two."], "Word", Reading(whole_text=True)).rows == [{"text": "One.\n\nTwo."}]


def test_a_table_with_most_of_the_text_gives_the_rows():
    table = read_blocks(["Questions", GRID, [GRID[0], ["Where is Rome?", "In Italy."]]], "Word", Reading())
    assert [row["completion"] for row in table.rows] == ["In Norway.", "In the Alps.", "In Italy."]
    assert table.notes[1] == "1 paragraphs and tables beside it are not read."


def test_a_small_table_is_text():
    table = read_blocks(["word " * 90, GRID], "Word", Reading())
    assert table.rows[1]["text"].splitlines()[1] == "Where is Oslo?\tIn Norway."


def test_cells_beyond_the_header_reject_their_row():
    table = read_blocks([[*GRID, ["a", "b", "c"], ["a", "b", ""], ["a"]]], "Word", Reading())
    assert len(table.rows) == 4 and "3 cells" in table.rejected[0].reason
