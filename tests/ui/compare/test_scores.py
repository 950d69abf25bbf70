import gradio as gr
import pytest

from finetune.errors import DataError
from finetune.evaluation.sheet import HELD_OUT, Request, Sheet
from finetune.ui.compare import scores as view
from tests.evaluation.figures import row, scores

FILTERS = ("asked", "wins", "")
NO_JUDGE = ("", "", "Be right.")


def scored(run, key=HELD_OUT):
    Sheet(run, key).ask(Request()).finish(scores(run.id), [row(chrf=(0.1, 0.9))])
    return run


def test_a_scored_run_shows_its_verdict_its_figures_and_its_rows(studio, write_run):
    key, head, tables, rows, overview, timer = view.show(studio, scored(write_run()).id, HELD_OUT, *FILTERS)
    assert "Use it for what it was taught." in head and "chrF" in tables and "scored better" in rows
    assert overview == "" and not timer.active and not key.visible


def test_without_a_run_or_scores_it_says_what_to_do(studio, write_run):
    assert "No run is finished yet." in view.show(studio, None, HELD_OUT, *FILTERS)[1]
    assert "Press “Score” below" in view.show(studio, write_run().id, HELD_OUT, *FILTERS)[1]
    assert "No run is finished yet." in view.show(studio, write_run(method="reward").id, HELD_OUT, *FILTERS)[1]


def test_an_evaluation_at_work_says_how_far_it_is_and_is_watched(studio, write_run):
    run = scored(write_run())
    Sheet(run).ask(Request()).report("general questions", 0.25)
    _, head, *_, timer = view.show(studio, run.id, HELD_OUT, *FILTERS)
    assert "Scoring base and tuned: general questions, 25 % …" in head and "verdict" in head and timer.active
    ticked = view.tick(studio, run.id, HELD_OUT, *FILTERS)
    assert "25 %" in ticked[1] and ticked[0] == ticked[2] == gr.skip()
    Sheet(run).finish(scores(run.id), [])
    assert view.tick(studio, run.id, HELD_OUT, *FILTERS)[-1].active is False


def test_what_failed_says_why(studio, write_run):
    run = write_run()
    Sheet(run).ask(Request()).fail(DataError("No <b>rows</b>.", "Hold some out."))
    head = view.show(studio, run.id, HELD_OUT, *FILTERS)[1]
    assert "No &lt;b&gt;rows&lt;/b&gt;." in head and "Hold some out." in head


def test_evaluations_on_other_rows_can_be_chosen(studio, write_run):
    run = scored(scored(write_run()), "file-other")
    key, head, *_ = view.show(studio, run.id, "file-other", *FILTERS)
    assert key.visible and key.value == "file-other" and ("other", "file-other") in key.choices
    assert view.choose(studio, run.id, *FILTERS)[0].value == HELD_OUT
    assert view.show(studio, run.id, "../x", *FILTERS)[0].value == HELD_OUT


def test_several_scored_runs_are_listed(studio, write_run):
    run, _ = scored(write_run(name="one")), scored(write_run(name="two"))
    overview = view.show(studio, run.id, HELD_OUT, *FILTERS)[4]
    assert "run 1 “one”" in overview and "run 2 “two”" in overview


def test_rows_are_filtered(studio, write_run):
    run = scored(write_run())
    assert "scored better" in view.filtered(studio, run.id, HELD_OUT, *FILTERS)
    assert "No row got worse." in view.filtered(studio, run.id, HELD_OUT, "asked", "losses", "")
    assert "No rows yet." in view.filtered(studio, write_run().id, HELD_OUT, *FILTERS)


@pytest.fixture
def asked(studio, monkeypatch):
    """What the scoring thread was asked for."""
    found = []

    def ask(run, request):
        found.append((run.id, request))
        return Sheet(run).ask(request)

    monkeypatch.setattr(studio.queue.scoring, "ask", ask)
    return found


def test_scoring_again_takes_files_of_visitors_only_as_uploads(studio, write_run, asked, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("question,answer\na,b\n")
    run = write_run()
    notice, *_, timer = view.ask(studio, run.id, str(path), None, 12, *NO_JUDGE, *FILTERS)
    ((run_id, request),) = asked
    assert notice == "" and timer.active and run_id == run.id and request.rows == 12 and not request.trusted
    assert request.data.startswith("uploads/") and request.general is None


@pytest.mark.parametrize(("rows", "taken"), [(None, 1), (0, 1), (5.0, 5), (10**9, view.MOST_ROWS)])
def test_the_number_of_rows_is_bounded(studio, write_run, asked, rows, taken):
    view.ask(studio, write_run().id, None, None, rows, *NO_JUDGE, *FILTERS)
    assert asked[0][1].rows == taken


def test_what_cannot_be_asked_is_a_notice(studio, write_run, tmp_path):
    path = tmp_path / "rows.exe"
    path.write_text("x")
    assert "There is no finished run" in view.ask(studio, None, None, None, 5, *NO_JUDGE, *FILTERS)[0]
    assert "cannot be read" in view.ask(studio, write_run().id, str(path), None, 5, *NO_JUDGE, *FILTERS)[0]
    assert "no tuned model" in view.ask(studio, write_run(state="").id, None, None, 5, *NO_JUDGE, *FILTERS)[0]


def test_a_judge_may_be_asked_too(studio, write_run, asked):
    run = write_run()
    view.ask(studio, run.id, None, None, 5, " big ", "http://127.0.0.1:1/v1", "Be kind.", *FILTERS)
    judge = asked[0][1].judge
    assert (judge.model, judge.endpoint, judge.criteria) == ("big", "http://127.0.0.1:1/v1", "Be kind.")
    assert Sheet(run).request.judge == judge
    view.ask(studio, run.id, None, None, 5, *NO_JUDGE, *FILTERS)
    assert asked[1][1].judge is None
    assert "This judge cannot be asked." in view.ask(studio, run.id, None, None, 5, "m", "ftp://x", "", *FILTERS)[0]
