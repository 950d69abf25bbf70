from finetune.evaluation.ranking import best_of, incomparable
from finetune.evaluation.sheet import Request, Sheet, read
from tests.evaluation.figures import part, row, score, scores


def scored(run, asked, questions=("a", "b")):
    found = [row(n, question=each) for n, each in enumerate(questions)] + [row(9, "general", question=run.id)]
    Sheet(run).ask(Request()).finish(scores(run.id, part("asked", asked)), found)
    return run


def test_runs_are_ranked_by_the_same_metric_on_the_same_rows(write_run):
    runs = [scored(write_run(), score(tuned=value)) for value in (0.5, 0.7, 0.6)]
    found = [read(run) for run in runs]
    assert incomparable(runs, found) == "" and best_of(runs, found) is runs[1]


def test_a_lower_loss_is_better(write_run):
    runs = [scored(write_run(), score("loss", 3.0, value)) for value in (1.5, 0.7)]
    assert best_of(runs, [read(run) for run in runs]) is runs[1]


def test_what_cannot_be_ranked_says_why(write_run):
    one = scored(write_run(), score())
    other = scored(write_run(), score(), ("a", "c"))
    third, unscored = scored(write_run(), score("loss")), write_run()
    for runs, words in (
        ([one, other], "evaluated on different rows"),
        ([one, third], "different metrics"),
        ([one, unscored], "no scores"),
    ):
        assert words in incomparable(runs, [read(run) for run in runs])
