from finetune.data.fixes.join import Join
from tests.rows import finding

ASKED = {"role": "user", "content": "a"}
FINE = {"messages": [ASKED, {"role": "assistant", "content": "b"}]}
ODD = {"messages": [ASKED, *FINE["messages"]]}


def test_rows_that_a_fix_solves_have_a_finding_with_that_fix():
    one = finding([ODD, *[FINE] * 3], "rejected-join")
    assert (
        one.severity == "warning" and one.message == "1 row has two turns in a row by one side, and so it is rejected."
    )
    several = finding([*[ODD] * 3, FINE], "rejected-join")
    assert several.severity == "problem" and several.message.startswith("3 rows have two turns in a row")
    assert several.rows == (1, 2, 3) and several.fix == Join()


def test_they_are_no_finding_of_other_rejected_rows():
    assert finding([ODD, FINE, FINE], "rejected") is None
    assert finding([ODD, {"messages": []}, FINE, FINE], "rejected").rows == (2,)
    assert finding([{"messages": []}, FINE, FINE], "rejected-join") is None
