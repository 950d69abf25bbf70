def test_a_row_is_rejected_only_when_none_of_its_examples_is_left(make):
    instances = [{"input": "", "output": "a"}, {"input": "x", "output": "b"}]
    data = make([{"instruction": "i", "instances": instances}] * 2)
    one = data.without({0, 2, 3}, "Away.")
    assert list(one.rows) == [1] and one.examples == [data.examples[1]]
    assert [(bad.row, bad.reason) for bad in one.rejected] == [(2, "Away.")]
    assert len(data.examples) == 4 and not data.rejected


def test_values_are_those_of_the_row_that_an_example_is_from(make):
    data = make([{"prompt": "q", "completion": "a", "who": 1}, {"prompt": "q", "completion": ""}, *[DETAIL] * 2])
    assert data.values("who") == [1, "007", "007"]


DETAIL = {"prompt": "q", "completion": "a", "who": "007"}
