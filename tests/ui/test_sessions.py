import datetime
import gc
import weakref

import gradio as gr
import pytest
from gradio import routes

from finetune.ui import sessions
from finetune.ui.page import build
from finetune.ui.sessions import KEPT, MOST, Sessions
from finetune.ui.studio import Studio


@pytest.fixture
def holder(workspace):
    """The sessions of the page."""
    page = build(Studio(workspace))
    found = routes.App.create_app(page).state_holder
    assert isinstance(found, Sessions)
    return found


def aged(holder, key, minutes):
    holder.time_last_used[key] -= datetime.timedelta(minutes=minutes)


@pytest.mark.threat("S6")
def test_sessions_of_closed_pages_are_forgotten_but_for_the_last_few(holder):
    refs = []
    for n in range(200):
        session = holder[f"closed {n}"]
        session.is_closed = True
        refs.append(weakref.ref(session))
    holder["open"]
    del session
    holder.delete_all_expired_state()
    gc.collect()
    assert len(holder.session_data) == KEPT + 1 == len(holder.time_last_used)
    assert "open" in holder and "closed 199" in holder and "closed 0" not in holder
    assert sum(ref() is not None for ref in refs) == KEPT
    aged(holder, "closed 199", 61)
    holder.delete_all_expired_state()
    assert "closed 199" not in holder


@pytest.mark.threat("S6")
def test_sessions_that_no_page_was_opened_for_are_forgotten_too(holder):
    for n in range(100):
        holder[f"called {n}"]
    holder.delete_all_expired_state()
    assert len(holder.session_data) == 100
    for n in range(100):
        aged(holder, f"called {n}", 6)
    holder.delete_all_expired_state()
    assert len(holder.session_data) == KEPT


@pytest.mark.threat("S6")
def test_there_are_only_so_many_sessions(holder):
    for n in range(MOST + 200):
        holder[str(n)]
    assert len(holder.session_data) == MOST and str(MOST + 199) in holder and "0" not in holder


@pytest.mark.threat("S6")
def test_messages_that_nobody_read_are_forgotten_with_their_session(holder):
    queue = holder.blocks._queue
    for n in range(KEPT + 1):
        holder[str(n)].is_closed = True
        queue.pending_messages_per_session[str(n)] = object()
        queue.pending_event_ids_session[str(n)] = {"a"}
    holder.delete_all_expired_state()
    assert "0" not in queue.pending_messages_per_session and "0" not in queue.pending_event_ids_session
    assert "1" in queue.pending_messages_per_session


def test_a_session_whose_answer_is_being_made_stays(holder):
    class Event:
        session_hash = "busy"

    holder["busy"].is_closed = True
    holder.blocks._queue.event_ids_to_events["e"] = Event()
    for n in range(2 * KEPT):
        holder[str(n)].is_closed = True
    holder.delete_all_expired_state()
    assert "busy" in holder
    holder.blocks._queue.event_ids_to_events.clear()
    holder.delete_all_expired_state()
    assert "busy" not in holder


def test_a_session_keeps_its_states_apart():
    sessions.forget_sessions()
    with gr.Blocks() as page:
        state, text = gr.State([1]), gr.Textbox()
    holder = routes.App.create_app(page).state_holder
    one, two = holder["one"], holder["two"]
    one[state._id].append(2)
    assert (one[state._id], two[state._id], state.value) == ([1, 2], [1], [1])
    two[state._id] = "mine"
    changed = gr.Textbox(label="changed", render=False)
    two[text._id] = changed
    assert two[state._id] == "mine" and two[text._id] is changed and one[text._id] is text
    assert state._id in two and text._id in one


@pytest.mark.threat("S6")
def test_a_session_is_small(holder):
    import tracemalloc

    holder["first"]
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for n in range(100):
        holder[str(n)]
    each = (tracemalloc.get_traced_memory()[0] - before) / 100
    tracemalloc.stop()
    assert each < 60_000


def test_the_tasks_of_a_visitor_are_counted(holder):
    from types import SimpleNamespace

    from finetune.door.visitor import Visitor

    for n, who in enumerate(("anna", "anna", "ben")):
        request = SimpleNamespace(scope={"state": {"visitor": Visitor(who)}})
        holder.blocks._queue.event_ids_to_events[n] = SimpleNamespace(request=request, session_hash="")
    assert [sessions.waiting(holder.blocks, who) for who in ("anna", "ben", "carl")] == [(2, 3), (1, 3), (0, 3)]
