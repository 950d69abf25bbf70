from finetune.ui.compare.score_rows import SHOWN, chosen, shown
from tests.evaluation.figures import part, row, score, scores

PAIRS = [(0.2, 0.9), (0.5, 0.5), (0.8, 0.1), (0.3, 0.5), (0.6, 0.5)]
ROWS = [row(n, question=f"Question {n}?", chrf=pair) for n, pair in enumerate(PAIRS)]


def places(order, search="", rows=ROWS, found=None, name="asked"):
    return [each.row for each, _ in chosen(rows, found or scores(), name, order, search)]


def test_wins_and_losses_come_biggest_first():
    assert places("wins") == [0, 3] and places("losses") == [2, 4]


def test_a_lower_loss_is_a_win():
    rows = [row(n, loss=pair) for n, pair in enumerate([(3.0, 1.0), (1.0, 2.0)])]
    found = scores(asked=part("asked", score("loss", 2.0, 1.5)))
    assert places("wins", rows=rows, found=found) == [0] and places("losses", rows=rows, found=found) == [1]


def test_random_rows_are_all_in_an_order_that_stays():
    assert sorted(places("random")) == [0, 1, 2, 3, 4] == places("all") and places("random") == places("random")


def test_rows_are_searched_in_question_answers_and_expected():
    assert (
        places("all", "question 3") == [3] and len(places("all", "ARR")) == 5 and places("all", None) == places("all")
    )
    assert "No row has this in it." in shown(ROWS, scores(), "asked", "all", "nowhere")


def test_rows_of_another_part_are_apart():
    assert places("all", name="general") == [] and "There are no such rows." in shown(
        ROWS, scores(), "general", "all", ""
    )
    assert places("all", rows=[row(7, "general", contains=(1, 0))], name="general") == [7]


def test_differing_words_are_marked_and_nothing_of_a_text_is_html():
    hostile = row(
        0, question="<script>", expected="![x](http://evil)", base="<b>no</b>", tuned="Arr <b>no</b>", chrf=(0, 1)
    )
    html = shown([hostile], scores(), "asked", "wins", "")
    assert (
        "<mark class='differs'>Arr </mark>" in html
        and "<script>" not in html
        and "<b>" not in html
        and "<img" not in html
    )
    assert "Tuned · chrF 100 %" in html and "dir='auto'" in html and "scored better" in html


def test_only_the_first_are_shown_and_it_is_said():
    rows = [row(n, chrf=(0.1, 0.2 + n / 100)) for n in range(SHOWN + 3)]
    html = shown(rows, scores(), "asked", "wins", "")
    assert html.count("<article") == SHOWN and f"{SHOWN + 3} rows, the first {SHOWN} of them:" in html


def test_without_wins_it_says_so():
    assert "No row got better." in shown([ROWS[2]], scores(), "asked", "wins", "")
    assert "No row got worse." in shown([ROWS[0]], scores(), "asked", "losses", "")
