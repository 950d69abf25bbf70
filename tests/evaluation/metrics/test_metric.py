import pytest

from finetune.evaluation.metrics import METRICS, Asked, Given, Metric


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_each_metric_says_what_it_is_in_words_for_everyone(metric: Metric):
    assert metric.title[0] in metric.title[0].upper() or metric.title == "chrF"
    assert metric.plain.endswith(".") and metric.plain[0].isupper()
    assert "{tuned}" in metric.said and "{base}" in metric.said and not metric.said.endswith(".")
    assert metric.unit in ("share", "nats", "tokens", "number") and metric.better in ("higher", "lower", "")


def test_the_metrics_that_decide_come_first():
    names = list(METRICS)
    assert names[:4] == ["reward", "pair_accuracy", "label", "json_fields"]
    assert names.index("number") < names.index("exact_match") < names.index("chrf") < names.index("loss")


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_no_answer_is_better_than_the_expected_one_and_none_is_out_of_bounds(metric: Metric):
    if metric.unit != "share" or metric.better != "higher":
        return
    for expected, answer in (('{"a": 1}', '{"a": 1}'), ("Blue.", "no idea"), ("It is 7", ""), ("0", "0")):
        same = metric.value(Asked((), expected), Given(expected, margin=0.5))
        other = metric.value(Asked((), expected), Given(answer, margin=-0.5))
        assert (same is None) == (other is None) and (same is None or 0 <= other <= same <= 1)


def test_the_last_turn_is_the_question():
    assert Asked(({"role": "user", "content": "a"}, {"role": "user", "content": "b"})).question == "b"
    assert Asked(()).question == ""
