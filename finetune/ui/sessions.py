"""What Gradio keeps of an open page, kept small and forgotten soon after the page is closed.

Gradio 6.31 keeps a copy of the whole page for each of the last ten thousand sessions, half a megabyte and some
hundredths of a second each, and frees none of them. Any page load, and any call of an endpoint, is a new session.
"""

import ctypes
import datetime
import sys
from copy import copy

from gradio import blocks, route_utils, routes, state_holder
from gradio.components import State
from gradio.state_holder import SessionState, StateHolder

from finetune.door.visitor import visitor_of

MOST = 500
"""Sessions in all; beyond them the one is forgotten that was used least recently."""
AWAY_S = 300
"""A session that nothing was asked of for this time has no open page: an open one asks at least once a minute."""
KEPT = 30
"""Sessions without an open page that are kept, for ``KEPT_S``: a laptop that slept finds its page as it was."""
KEPT_S = 3600
TRIMMED = 20
"""After so many sessions were forgotten, their memory is given back to the system."""


class Session(SessionState):
    """The state of one page, without the copy of its configuration, which only deep links read; there are none."""

    def __init__(self, page: blocks.Blocks):
        self.blocks_config = copy(page.default_config)
        self.config_values = {}
        self.state_data, self._state_ttl = {}, {}
        self.is_closed = False
        self.STATE_TTL_WHEN_CLOSED = KEPT_S

    def __setitem__(self, key: int, value):
        block = self.blocks_config.blocks.get(key)
        if isinstance(block, State):
            self._state_ttl[key] = block.time_to_live, datetime.datetime.now()
            self.state_data[key] = value
        else:
            self.blocks_config.blocks[key] = value

    def _update_config(self, key: int) -> None:
        """Nothing: there is no configuration."""

    def _update_value_in_config(self, key: int, value) -> None:
        """Nothing: there is no configuration."""


class Sessions(StateHolder):
    """All sessions; Gradio has it forget every second."""

    def __init__(self):
        super().__init__()
        self._forgotten = 0

    def set_blocks(self, page: blocks.Blocks) -> None:
        """Keep the sessions of ``page``."""
        super().set_blocks(page)
        self.capacity = MOST

    def delete_all_expired_state(self) -> None:
        """Forget the sessions whose page is closed, all but the last few."""
        super().delete_all_expired_state()
        busy = {event.session_hash for event in list(self.blocks._queue.event_ids_to_events.values())}
        now, away = datetime.datetime.now(), []
        for key, used in sorted(self.time_last_used.copy().items(), key=lambda each: each[1], reverse=True):
            session, unused_s = self.session_data.get(key), (now - used).total_seconds()
            if session and key not in busy and (session.is_closed or unused_s > AWAY_S):
                away.append((key, unused_s))
        for n, (key, unused_s) in enumerate(away):
            if n >= KEPT or unused_s > KEPT_S:
                self._forget(key)
        if self._forgotten >= TRIMMED:
            self._forgotten = 0
            give_back()

    def _forget(self, key: str) -> None:
        queue = self.blocks._queue
        with self.lock:
            for kept in (self.session_data, self.time_last_used):
                kept.pop(key, None)
        queue.pending_messages_per_session.pop(key, None)
        queue.pending_event_ids_session.pop(key, None)
        self._forgotten += 1


def waiting(page: blocks.Blocks, key: str) -> tuple[int, int]:
    """How many events of the visitor ``key`` are in the queue of ``page`` or at work, and how many of all."""
    events = list(page._queue.event_ids_to_events.values())
    return sum(visitor_of(event.request.scope).key == key for event in events), len(events)


def forget_sessions() -> None:
    """Have Gradio keep its sessions in ``Sessions``; to be called before a page is served."""
    routes.StateHolder = Sessions
    for module in (state_holder, route_utils, blocks):
        module.SessionState = Session


def give_back() -> None:
    """Return free memory to the system; only glibc keeps it and can be asked to."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim:
            trim(0)
