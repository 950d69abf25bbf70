"""Floods of the real program with a run at work: what is answered, what another visitor notices, and what stays."""

import asyncio
import time

import pytest

from finetune.door.budget import Budget
from finetune.door.options import Door
from finetune.paths import PROJECT
from finetune.ui.site import site
from finetune.ui.studio import Studio
from tests.door.served import head, raw, status
from tests.door.served import served as serving
from tests.threats.flood import AT_ONCE, flood
from tests.threats.load import Row, table

CLEAN = {200, 429, 503, 408, 0}
"""Served, refused with a sentence, or closed where there were too many connections."""

RECIPE = """
name: round {n}
model: {{id: tiny}}
data: {{path: assets/samples/pirate-voice.jsonl}}
training: {{max_steps: 100000}}
evaluation: {{times: 0}}
"""


def statuses(row: Row) -> set[int]:
    """The statuses in the counts of a row; those that JSON made of numbers are text."""
    return {int(key) for key in row.answers if str(key).isdigit()}


def assert_clean(row: Row) -> None:
    print(row)
    assert statuses(row) <= CLEAN, "an error of the server, or something without an answer"
    assert row.answers["lost"] == row.answers["late"] == 0, "an answer that was begun did not end"
    assert row.answers["tick refused"] == 0 and len(row.ticks_s) > 1, "another visitor was refused"


@pytest.mark.threat("T41", "S6", "S17")
def test_floods_of_the_page_end_in_clean_answers(workspace):
    site_ = site(Studio(workspace), Door(is_shared=True))
    functions = {function.api_name: number for number, function in site_.state.page.fns.items()}
    with serving(site_, Budget.shared()) as running:
        for kind in ("half_open", "slow_reader", "reload", "upload"):
            found = asyncio.run(flood(kind, running.port, 3, {"functions": functions, "most": 30}))
            print(kind, found)
            assert (
                (found[200] or kind == "half_open" or found["asked"])
                and {key for key in found if isinstance(key, int)} <= CLEAN
                and not found["late"]
            )
            began = time.monotonic()
            assert status(raw(running.port, head(running.port), "127.0.9.9")) == 200
            assert time.monotonic() - began < 5, "another visitor waits"


@pytest.mark.heavy
@pytest.mark.threat("T41", "S6", "S17", "T8")
def test_one_visitors_floods_are_refused_and_another_does_not_notice():
    kinds = ("join", "half_open", "slow_reader", "reload")
    rows, memory = table(4, 1, "starter", kinds, tokens=2, most=40)
    for row in rows:
        assert_clean(row)
        assert row.tick_p95_s < 5, "on a loaded machine; under 1 s on one of its own"
    print(memory)
    assert memory["after"] < memory["before"] * 1.25


@pytest.mark.heavy
@pytest.mark.threat("T41", "S6", "S17", "T8")
def test_every_flood_in_one_run_of_the_program():
    rows, memory = table(40, 2)
    assert {row.kind for row in rows} == set(AT_ONCE)
    for row in rows:
        assert_clean(row)
        assert row.tick_p95_s < 1
        assert row.speed > 0.9, f"{row.kind}: the run lost more than a tenth of its speed"
    print(memory)
    assert memory["after"] < memory["before"] * 1.05


def test_the_figures_in_the_notebook_are_of_every_flood():
    text = (PROJECT / "assets" / "lab.md").read_text(encoding="utf-8")
    section = text.partition("Floods of a server that trains\n")[2].partition("\n## ")[0]
    assert section and all(kind.replace("_", " ") in section for kind in AT_ONCE)
