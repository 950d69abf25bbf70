from tests.rows import clean, finding, pair

LONG, SHORT = "It is a long story that goes on and on.", "No idea."


def pairs(longer, shorter):
    """``longer`` pairs whose chosen answer is the longer, and ``shorter`` pairs whose chosen answer is the shorter."""
    asked = [row["prompt"] for row in clean(longer + shorter)]
    return [pair(question, *((LONG, SHORT) if n < longer else (SHORT, LONG))) for n, question in enumerate(asked)]


def test_long_chosen_answers_are_a_warning():
    found = finding(pairs(33, 7), "length-bias")
    assert found.severity == "warning" and found.rows == ()
    assert "In 82 % of the pairs the chosen answer is the longer one" in found.message
    assert "the model may learn to prefer length" in found.message


def test_short_chosen_answers_are_reported():
    found = finding(pairs(2, 38), "length-bias")
    assert found.severity == "info" and "learn to answer briefly" in found.message


def test_even_pairs_few_pairs_and_other_rows_are_not_reported():
    assert finding(pairs(20, 20), "length-bias") is None
    assert finding(pairs(19, 0), "length-bias") is None
    assert finding(clean(40), "length-bias") is None


def test_a_little_longer_does_not_matter():
    rows = [pair(row["prompt"], row["completion"] + "!", row["completion"]) for row in clean(40)]
    assert finding(rows, "length-bias") is None
