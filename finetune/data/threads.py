"""Tables with one turn in each row, put together into one conversation in each row.

Rows belong together by the id of their conversation, or by the id of the row that they reply to; where a turn has
several replies, the best-ranked one is followed.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from finetune.data.formats.contents import is_nothing, sample
from finetune.data.formats.format import number_in, plain
from finetune.data.settings import DataSettings
from finetune.data.store import Numbers, Rows
from finetune.data.table import Table

ROLES = ("role", "speaker", "from", "sender", "author", "author_role", "who")
TEXTS = ("text", "content", "message", "value", "utterance", "body")
ASKED = ("instruction", "prompt", "question", "input", "query", "user", "human")
ANSWERED = ("output", "response", "answer", "completion", "reply", "assistant", "bot")
PARENTS = ("parent_id", "parent", "parent_message_id", "reply_to", "reply_to_id", "in_reply_to")
IDS = ("message_id", "id", "msg_id", "turn_id", "post_id", "comment_id", "node_id", "uuid")
CONVERSATIONS = (
    "conversation_id", "conv_id", "conversation", "dialogue_id", "dialog_id", "thread_id", "session_id", "chat_id",
    "ticket_id", "case_id",
)  # fmt: skip
ORDERS = ("turn", "turn_id", "turn_index", "turn_number", "index", "position", "order", "seq", "step", "utterance_id")
TIMES = ("timestamp", "created_at", "created_date", "time", "sent_at", "datetime", "date")
ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
RANKS = ("rank", "ranking")
MESSAGES = "messages"
"""The column of the conversations."""


@dataclass(frozen=True)
class Layout:
    """The columns of a table with one turn, or one question and its answer, in each row."""

    turns: tuple[tuple[str, str], ...]
    """The speaker (or the column of the speaker) and the column of the text, for each turn of a row."""
    by: str
    """The column of the conversation's id, or of the row that is replied to."""
    id: str = ""
    """The column of a row's own id, if rows name the row they reply to."""
    order: str = ""
    rank: str = ""
    role: str = ""
    """The column of the speaker."""

    @property
    def columns(self) -> set[str]:
        """The columns that become the conversation, or its order."""
        return {self.role, self.id, self.order, self.rank, *(text for _, text in self.turns)} | (
            {self.by} if self.id else set()
        )

    def turns_of(self, row: dict) -> list[dict]:
        """The turns of ``row``."""
        return [
            {"role": row.get(self.role) if self.role else speaker, "content": row.get(column)}
            for speaker, column in self.turns
        ]


def put_together(table: Table, settings: DataSettings) -> Table:
    """``table`` with one conversation in each row if it has one turn in each; else as it is.

    A person who chose a format or named columns has the rows as they are.
    """
    if settings.format not in ("auto", "chat", "conversation") or settings.columns or not table.rows:
        return table
    layout = layout_of(table)
    if layout is None or MESSAGES in table.columns:
        return table
    rows = list(table.rows)
    paths = list(_paths(rows, layout) if layout.id else _groups(rows, layout))
    if len(paths) == len(rows):
        return table
    asides = [column for column in table.columns if column not in layout.columns]
    made = [
        {column: rows[path[0]].get(column) for column in asides}
        | {MESSAGES: [turn for position in path for turn in layout.turns_of(rows[position])]}
        for path in paths
    ]
    lines = [table.lines[path[0]] if path[0] < len(table.lines) else None for path in paths]
    joined = replace(
        table,
        rows=Rows(made),
        numbers=Numbers(range(1, len(made) + 1)),
        lines=Numbers(lines),
        notes=[*table.notes, _note(layout, len(rows), paths)],
    )
    joined.name_columns((*asides, MESSAGES))
    return joined


def layout_of(table: Table) -> Layout | None:
    """How ``table`` holds one turn in each row; None if it does not."""
    by_name = {plain(column): column for column in reversed(table.columns)}

    def found(names: Iterable[str], taken: str = "") -> str:
        return next((by_name[name] for name in names if name in by_name and by_name[name] != taken), "")

    role, text = found(ROLES), found(TEXTS)
    asked, answered = found(ASKED), found(ANSWERED)
    turns = ((role, text),) if role and text else (("user", asked), ("assistant", answered))
    role = role if text and role else ""
    parent, own, conversation = found(PARENTS), found(IDS), found(CONVERSATIONS)
    order = found(ORDERS, conversation) or (found(TIMES) if role else "")
    if not all(map(all, turns)) or not (parent and own or conversation and (role or order)):
        return None
    rows = sample(table.rows)
    if not _are_texts(rows, [column for _, column in turns]):
        return None
    if parent and own and any(not is_nothing(row.get(parent)) for row in rows):
        return Layout(turns, parent, own, rank=found(RANKS), role=role)
    return Layout(turns, conversation, order=order, role=role) if conversation and (role or order) else None


def _are_texts(rows: list[dict], columns: list[str]) -> bool:
    return all(isinstance(row.get(column), (str, type(None))) for row in rows for column in columns)


def _groups(rows: list[dict], layout: Layout) -> Iterator[list[int]]:
    """The positions of the rows of each conversation, in the order of their turns."""
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for position, row in enumerate(rows):
        groups[_key(row.get(layout.by)) or f"\0{position}"].append(position)
    for group in groups.values():
        order = [_place(rows[position].get(layout.order)) for position in group] if layout.order else []
        yield [position for _, position in sorted(zip(order, group))] if order and None not in order else group


def _paths(rows: list[dict], layout: Layout) -> Iterator[list[int]]:
    """The positions of the rows of each conversation, from a row that replies to none on.

    Turns follow the best-ranked reply; of rows with a question and its answer, each last one ends a conversation.
    """
    known = {_key(row.get(layout.id)): position for position, row in enumerate(rows)}
    replies: defaultdict[int, list[int]] = defaultdict(list)
    roots = []
    for position, row in enumerate(rows):
        parent = known.get(_key(row.get(layout.by))) if not is_nothing(row.get(layout.by)) else None
        if parent is None or parent == position:
            roots.append(position)
        else:
            replies[parent].append(position)
    for root in roots:
        waiting = [[root]]
        while waiting:
            path = waiting.pop()
            following = replies.get(path[-1], [])
            if layout.role and following:
                following = [min(following, key=lambda position: _rank(rows[position], layout.rank, position))]
            if not following:
                yield path
            waiting += ([*path, position] for position in reversed(following))


def _rank(row: dict, column: str, position: int) -> tuple:
    rank = number_in(row.get(column)) if column else None
    return rank is None, rank or 0, position


def _place(value: object) -> tuple[float, str] | None:
    """What a turn is ordered by: a number, or a time as ISO 8601 writes it."""
    number = number_in(value)
    if number is not None:
        return number, ""
    return (0, value) if isinstance(value, str) and ISO.match(value) else None


def _note(layout: Layout, count: int, paths: list[list[int]]) -> str:
    """How the rows were put together, as a sentence or two."""
    what = "one turn" if layout.role else "one question and its answer"
    words = (
        f'Each row of the file is {what}: {count:,} rows are put together by "{layout.by}" into {len(paths):,} '
        "conversations."
    )
    left = count - len({position for path in paths for position in path})
    if not left:
        return words
    best = f'the best by "{layout.rank}"' if layout.rank else "the first"
    return f"{words} Where a turn has several replies, {best} is taken; {left:,} rows are in no conversation."


def _key(value: object) -> str:
    """An id as a text: numbers of spreadsheets may be 7 or 7.0."""
    if is_nothing(value):
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value).strip().removesuffix(".0")
