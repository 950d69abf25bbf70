import json
import re

import pytest

from finetune.errors import ModelError, RunError
from finetune.evaluation.judging import CHUNK, judge, judged, judged_rows, judgements
from finetune.evaluation.sheet import Sheet
from finetune.inference.judge import Judging
from finetune.rewards.judge import Judge
from tests import scored
from tests.inference.test_endpoint import serving

SETTINGS = Judge(model="big", criteria="Tuned is good.")


def choosing(choose):
    """A judge that gets the number of the question and both answers, and says A or B."""

    def reply(prompt, count=0):
        number = int(re.search(r"question (\d+)", prompt)[1])
        first, second = re.search(r"Answer A:\n(.*)\n\nAnswer B:\n(.*)\n", prompt).groups()
        return choose(number, first, second)

    return Judging(SETTINGS, lambda prompts: [reply(prompt) for prompt in prompts]), reply


def by_number(number, first, second):
    """Tuned twice, base once, the first answer once, and no choice once."""
    wanted = ("tuned", "tuned", "base", first, "nobody")[number]
    return "A" if first.startswith(wanted) else "B" if second.startswith(wanted) else "neither"


def test_a_choice_counts_only_if_it_is_the_same_in_both_orders():
    found = judged([scored.row(n) for n in range(5)], choosing(by_number)[0])
    assert (found.rows, found.wins, found.losses, found.undecided, found.contradicted) == (5, 2, 1, 2, 1)
    assert found.judge == "big"


def test_a_judge_that_reads_the_order_alone_decides_nothing():
    found = judged([scored.row(n) for n in range(9)], choosing(lambda *_: "A")[0])
    assert (found.wins, found.losses, found.undecided, found.contradicted) == (0, 0, 9, 9)


def test_equal_answers_are_undecided_without_asking():
    def never(*_):
        raise AssertionError("asked")

    same = [scored.row(n, text="the same") for n in range(3)]
    found = judged(same, choosing(never)[0])
    assert (found.rows, found.undecided, found.contradicted) == (3, 3, 0)


def test_only_questions_that_the_evaluation_is_about_are_judged():
    rows = [
        scored.row(0),
        scored.row(1, part="general"),
        scored.row(2).model_copy(update={"question": ""}),
        scored.row(3),
    ]
    assert [row.row for row in judged_rows(rows)] == [0, 3] and len(judged_rows(rows, most=1)) == 1


def test_it_says_how_far_it_is_and_stops_when_asked():
    said = []
    rows = [scored.row(n) for n in range(3 * CHUNK)]
    found = judged(rows, choosing(lambda *_: "A")[0], lambda *each: said.append(each), lambda: len(said) > 1)
    assert found.rows == 2 * CHUNK and said == [("judged answers", 0.0), ("judged answers", 1 / 3)]


def test_a_judge_behind_an_endpoint_and_its_judgements_are_kept_beside_the_scores(workspace, write_run):
    run = scored.evaluated(write_run(), answers=[scored.row(n) for n in range(5)])
    with serving(choosing(by_number)[1]) as (address, _):
        settings = SETTINGS.model_copy(update={"endpoint": address})
        found = judge(Sheet(run), Sheet(run).rows, settings, workspace)
    assert (found.wins, found.losses, found.contradicted) == (2, 1, 1)
    kept = [json.loads(line) for line in judgements(Sheet(run)).read_text(encoding="utf-8").splitlines()]
    assert len(kept) == 10 and {"question", "first", "second", "reply", "better"} == set(kept[0])
    assert (kept[0]["first"], kept[1]["first"]) == ("base 0", "tuned 0")


def test_without_answers_or_without_the_judge_it_says_so(workspace, write_run, monkeypatch):
    run = write_run()
    with pytest.raises(RunError, match="no answers to judge"):
        judge(Sheet(run), [], SETTINGS, workspace)
    monkeypatch.setattr("finetune.inference.endpoint.PAUSES_S", ())
    unreachable = SETTINGS.model_copy(update={"endpoint": "http://127.0.0.1:9/v1"})
    with pytest.raises(ModelError, match="cannot be asked"):
        judge(Sheet(scored.evaluated(run)), Sheet(run).rows, unreachable, workspace)
