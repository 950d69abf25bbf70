import pytest
from pydantic import ValidationError

from finetune.evaluation.scores import Bounds, Part, Score, Scores

HALF = Bounds(value=0.5, low=0.4, high=0.6)


def score(difference=0.2, p=0.01, better="higher", metric="exact_match"):
    changed = Bounds(value=difference, low=difference - 0.1, high=difference + 0.1)
    return Score(metric=metric, better=better, rows=40, base=HALF, tuned=HALF, difference=changed, p=p, p_adjusted=p)


def part(*scores, name="asked"):
    return Part(name=name, data="rows.jsonl", rows=40, of=40, main=scores[0].metric, reason="", scores=scores)


@pytest.mark.parametrize(
    ("difference", "p", "better", "outcome"),
    [
        (0.2, 0.01, "higher", "better"),
        (-0.2, 0.01, "higher", "worse"),
        (-0.2, 0.01, "lower", "better"),
        (0.2, 0.01, "lower", "worse"),
        (0.2, 0.06, "higher", "unclear"),
        (0.2, 0.01, "", "unclear"),
    ],
)
def test_an_outcome_is_a_direction_that_chance_does_not_explain(difference, p, better, outcome):
    assert score(difference, p, better).outcome == outcome


def test_the_main_metric_decides():
    found = part(score(), score(metric="chrf"))
    assert found.deciding.metric == "exact_match" and found.score("chrf").metric == "chrf"
    assert found.score("loss") is None


def test_scores_come_back_from_their_file_as_they_were():
    found = Scores(at=1.0, run="001-run", asked=part(score()), general=part(score(), name="general"))
    assert Scores.model_validate_json(found.model_dump_json()) == found
    assert [each.name for each in found.parts] == ["asked", "general"]
    with pytest.raises(ValidationError):
        Scores.model_validate_json('{"run": "x"}')
