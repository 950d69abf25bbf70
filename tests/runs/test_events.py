import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.runs import events
from finetune.runs.events import Evaluated, Event, Noted, Stepped, parse
from tests.strategies import EVENTS, any_event


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_survives_the_trip_through_its_line(name):
    @given(EVENTS[name])
    def survives(event):
        line = event.to_line()
        assert "\n" not in line
        back = parse(line)
        assert type(back) is type(event) and back.to_line() == line

    survives()


def test_every_event_class_is_known():
    said = {value.__name__ for value in vars(events).values() if isinstance(value, type) and issubclass(value, Event)}
    assert set(Event.EVENTS) == said - {"Event"} == set(EVENTS)


def test_a_diverged_loss_can_be_said():
    line = Evaluated(step=3, loss=float("nan")).to_line()
    assert parse(line).loss != parse(line).loss


DEEP = pytest.param("[" * 9999, id="deep")


@given(any_event(), st.floats(0, 0.999))
def test_a_line_that_breaks_off_is_no_event(event, share):
    line = event.to_line()
    assert parse(line[: int(share * len(line))]) is None


@pytest.mark.parametrize(
    "line",
    [
        "",
        "null",
        "7",
        "[]",
        '"event"',
        "{}",
        '{"event": "Exploded"}',
        '{"event": ["Noted"]}',
        '{"event": "Noted"}',
        DEEP,
    ],
)
def test_a_line_that_is_no_event_is_none(line):
    assert parse(line) is None


def test_an_event_with_settings_of_a_later_version_is_none():
    record = json.loads(Noted(message="x").to_line()) | {"colour": "red"}
    assert parse(json.dumps(record)) is None


def test_events_are_stamped_when_they_are_made():
    first, second = (Stepped(step=1, epoch=0.1, loss=2.0, learning_rate=1e-4) for _ in range(2))
    assert 1.7e9 < first.at <= second.at
