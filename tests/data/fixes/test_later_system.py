import pytest

from finetune.data.fixes.later_system import LaterSystem
from tests.rows import finding, read

SYSTEM = {"role": "system", "content": "Be kind."}
ASKED = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]


def said(turns):
    return [(turn["role"], turn["content"]) for turn in turns]


@pytest.mark.parametrize(
    "turns, expected",
    [
        ([SYSTEM, SYSTEM, *ASKED], [("system", "Be kind.\n\nBe kind."), ("user", "Why?"), ("assistant", "So.")]),
        ([ASKED[0], SYSTEM, ASKED[1]], [("user", "Why?\n\nBe kind."), ("assistant", "So.")]),
        ([*ASKED, SYSTEM, SYSTEM, *ASKED],
         [("user", "Why?"), ("assistant", "So."), ("user", "Be kind.\n\nBe kind.\n\nWhy?"), ("assistant", "So.")]),
        ([*ASKED, SYSTEM], [("user", "Why?\n\nBe kind."), ("assistant", "So.")]),
        ([SYSTEM, *ASKED], said([SYSTEM, *ASKED])),
    ],
)  # fmt: skip
def test_later_system_prompts_are_merged(turns, expected):
    assert said(read([{"messages": turns}] * 2, LaterSystem()).examples[0]["messages"]) == expected


def test_rejected_rows_lead_to_it():
    rows = [{"messages": [SYSTEM, SYSTEM, *ASKED]}, {"messages": ASKED}, {"messages": ASKED}]
    found = finding(rows, "rejected-later_system")
    assert found.fix == LaterSystem() and found.rows == (1,) and found.button
    assert LaterSystem().words.endswith(".")
