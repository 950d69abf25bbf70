from finetune.ui.data.histogram import figure

BINS = [(0, 9, 1), (10, 19, 8), (20, 29, 0), (30, 39, 1)]


def test_each_bin_is_a_bar_and_the_highest_fills_the_height():
    drawn = figure(BINS, "Tokens of a row", "tokens")
    assert drawn.count("<rect") == 4 and "height='90.0'" in drawn and "height='0.0'" in drawn
    assert "10 to 19: 8 rows" in drawn


def test_the_words_say_where_half_of_the_rows_are():
    assert "From 0 to 39 tokens; half of the rows have at most 19." in figure(BINS, "x", "tokens")


def test_what_is_beyond_the_limit_is_drawn_as_truncated():
    assert figure(BINS, "x", "tokens", limit=25).count("class='truncated'") == 1
    assert "truncated" not in figure(BINS, "x", "tokens")


def test_a_single_value_needs_no_picture():
    drawn = figure([(2, 2, 248)], "How many turns", "turns")
    assert "Every row has 2 turns." in drawn and "<svg" not in drawn


def test_without_rows_there_is_nothing_to_draw():
    assert figure([], "x", "tokens") == "" and figure([(0, 1, 0)], "x", "tokens") == ""


def test_a_caption_cannot_bring_markup():
    assert "<b>" not in figure(BINS, "<b>", "<b>")
