"""Explanation: how much of the rows a format accounts for, and with what confidence.

The format that explains most of the content wins, not the one that serves most rows: faulty rows are rejected, and a
format that ignores columns which say what an answer is worth comes after all that read them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from finetune.data.formats.contents import Content, content_of, is_nothing
from finetune.data.formats.format import Format, Recognition, plain
from finetune.data.formats.mapping import used
from finetune.data.formats.rated import is_rating
from finetune.data.formats.tools import parsed
from finetune.data.formats.turns import SPEAKERS
from finetune.data.readers.decoder import strings_of

HARDLY = 0.1
"""A format that serves a smaller share of the rows than this hardly serves any."""
EASE = 0.25
"""Exponent of the share of rows served: nine rows in ten that fit are as good a sign as ten."""
ENOUGH = 0.9
"""The share of the content from which all of it counts as explained."""
IGNORED = 0.4
"""Factor of the confidence in a format that ignores what an answer is worth."""
ANNOTATED = 0.8
"""The same in plain text that has lists or objects beside it."""
ECHO_ROWS = 20
"""Rows in which columns are compared with others."""
ECHO_SHARE = 6
"""A text that repeats other columns is at most so many times as long as they are."""
PAIRED = {
    "chosen", "rejected", "chosen_response", "rejected_response", "chosen_messages", "rejected_messages",
    "chosen_conversations", "rejected_conversations", "rejected_answer", "chosen_answer", "preferred_output",
    "non_preferred_output", "dispreferred", "non_preferred", "preferred",
}  # fmt: skip
"""Names of columns that hold the better or the worse answer."""
WORTH = {
    "label", "labels", "kto_tag", "is_good", "thumbs", "thumb", "thumbs_up", "feedback", "liked", "vote", "rating",
    "score", "reward", "stars", "winner", "preference", "is_correct", "accepted", "is_accepted", "better",
    "helpfulness", "quality", "overall_score",
}  # fmt: skip
"""Names of columns that say what an answer is worth, if their values are ratings."""


class Columns:
    """The columns of a table by some of its rows."""

    def __init__(self, names: tuple[str, ...], rows: list[dict]):
        self.names, self.rows = names, rows
        self._texts: dict[tuple[int, str], list[str]] = {}

    @cached_property
    def contents(self) -> dict[str, Content]:
        """Column -> what it holds."""
        return {name: content_of(self.rows, name) for name in self.names}

    def unread(self, read: Sequence[str]) -> list[str]:
        """The columns with content that ``read`` neither are nor repeat."""
        others = [name for name in self.names if name not in read and self.contents[name].kind != "empty"]
        return [name for name in others if not self._is_echo(name, read)]

    def share_without(self, unread: Sequence[str], only_meaningful: bool) -> float:
        """The share of the content that is in other columns than ``unread``."""
        weights = {
            name: content.weight
            for name, content in self.contents.items()
            if content.is_meaningful or not only_meaningful
        }
        total = sum(weights.values())
        return 1 - sum(weights.get(name, 0) for name in unread) / total if total else 1.0

    def worths(self) -> list[str]:
        """The columns that say which answer is better or what one is worth."""
        found = []
        for name in self.names:
            is_paired = plain(name) in PAIRED and self.contents[name].kind not in ("empty", "number", "flag")
            values = self._values(name) if plain(name) in WORTH else []
            if is_paired or 2 * sum(map(is_rating, values)) > len(values):
                found.append(name)
        return found

    def _values(self, name: str) -> list:
        return [row[name] for row in self.rows if not is_nothing(row.get(name))]

    def _is_echo(self, name: str, read: Sequence[str]) -> bool:
        """True if ``name`` repeats what the columns ``read`` hold, or writes it out as one text."""
        if not self.contents[name].weight:
            return False
        places = [place for place, row in enumerate(self.rows) if not is_nothing(row.get(name))][:ECHO_ROWS]
        most = (1 - ENOUGH) * len(places)
        others = (place for place in places if not self._repeats(place, name, read))
        return sum(1 for _ in islice(others, int(most) + 1)) <= most

    def _repeats(self, place: int, name: str, read: Sequence[str]) -> bool:
        """True if the texts of a row in the column ``name`` are those in ``read``, or contain them all."""
        own, others = self._texts_in(place, name), [text for column in read for text in self._texts_in(place, column)]
        if not own or not others:
            return False
        whole, written = "\n".join(others), "\n".join(own)
        if all(text in whole for text in own):
            return True
        return all(text in written for text in others) and ECHO_SHARE * sum(map(len, others)) >= len(written)

    def _texts_in(self, place: int, name: str) -> list[str]:
        """The texts of a row in a column with single spaces, without the names of speakers."""
        key = place, name
        if key not in self._texts:
            texts = (" ".join(text.split()) for text in strings_of(parsed(self.rows[place].get(name)), keys=False))
            self._texts[key] = [text for text in texts if text and text.lower() not in SPEAKERS]
        return self._texts[key]


@dataclass(frozen=True)
class Explanation:
    """What a format makes of the columns of a table."""

    form: Format
    seen: Recognition
    share: float
    """0 to 1: the share of the content that the format reads."""
    text_share: float = 1.0
    """The same of texts, lists and objects alone: what a person will miss."""
    is_annotated: bool = False
    """True if lists or objects beside a text are not read: they may say what is to be learned of it."""
    ignored: tuple[str, ...] = ()
    """Columns that say what an answer is worth, which the format does not read."""

    @property
    def rank(self) -> tuple[int, float]:
        """The lowest is best: formats that ignore nothing and serve rows, then others, then refusals."""
        served = self.seen.served
        tier = 4 if self.form.refusal else 3 if not served else 2 if served < HARDLY else 1 if self.ignored else 0
        strength = self.seen.certainty * self.form.weight * self.share * (served**EASE if served else 1)
        return tier, -round(strength, 3)

    @property
    def confidence(self) -> float:
        """0 to 1: how likely the rows are meant so."""
        explained = min(1.0, self.text_share / ENOUGH)
        doubt = IGNORED if self.ignored else ANNOTATED if self.is_annotated else 1
        return self.seen.certainty * explained * self.seen.served**EASE * doubt

    def passed_over(self, others: Sequence["Explanation"]) -> str:
        """Which of ``others`` reads more columns but hardly any row, and why; empty if none does."""
        for other in others:
            reads_more = len(other.ignored) < len(self.ignored) or other.share > self.share + 1 - ENOUGH
            if reads_more and other.seen.served < HARDLY and other.seen.problem and not other.form.refusal:
                names = ", ".join(f'"{name}"' for name in sorted(used(other.seen.columns) - used(self.seen.columns)))
                return f"They are not read as {other.form.title}, with {names}: {other.seen.problem}"
        return ""


def explain(form: Format, seen: Recognition, columns: Columns) -> Explanation:
    """How much of ``columns`` the format accounts for if it reads them as ``seen``."""
    read = used(seen.columns)
    unread = columns.unread(sorted(read))
    shares = (columns.share_without(unread, is_meaningful) for is_meaningful in (False, True))
    ignored = tuple(name for name in columns.worths() if name not in read and matters(name, form))
    is_annotated = any(columns.contents[name].kind in ("list", "object") for name in unread)
    return Explanation(form, seen, *shares, form.kind == "text" and is_annotated, ignored)


def matters(name: str, form: Format) -> bool:
    """True if a format that does not read what the column ``name`` says of the worth of answers ignores it."""
    return plain(name) in PAIRED or form.kind == "chat" and not form.is_task
