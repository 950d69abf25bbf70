"""All methods and all adapters as two lists of cards, drawn from the registries: a new file there is a new card here.

Each card is a native radio button. What the data cannot serve, and an adapter that the method refuses, is shown with
its reason and cannot be chosen. What an entry costs arrives later (``finetune.ui.method.costs``).
"""

import re
import unicodedata
from dataclasses import dataclass
from html import escape

from finetune.adapters import ADAPTERS, Adapter
from finetune.data.kinds import KINDS
from finetune.methods import METHODS, Method, needs
from finetune.recipe import nearest, refusal
from finetune.ui import views

AXES = {
    "method": "Method: what it is trained on",
    "adapter": "Adapter: which parameters are trained",
}
"""The two choices, with what each decides."""
TYPES: dict[str, dict[str, type[Method] | type[Adapter]]] = {"method": METHODS, "adapter": ADAPTERS}
WAITING = "Estimating memory and time…"
SERVES = "Fits your data."

KEEP = (
    views.PICK
    + """
const open = new Set();
let kept = '';
element.addEventListener('click', event => {
  const fold = event.target.closest('summary')?.parentElement;
  if (fold) open[fold.open ? 'delete' : 'add'](fold.dataset.more);
});
document.addEventListener('focusin', event => {
  const at = element.contains(event.target) && event.target.closest('[data-keep]');
  kept = at ? at.dataset.keep : '';
});
document.addEventListener('pointerdown', event => { if (!element.contains(event.target)) kept = ''; });
watch('value', () => requestAnimationFrame(() => {
  for (const each of element.querySelectorAll('[data-more]')) each.open = open.has(each.dataset.more);
  for (const each of element.querySelectorAll('[data-cost-of]')) {
    const known = document.querySelector(`#costs [data-cost="${each.dataset.costOf}"]`);
    if (known) each.textContent = known.textContent;
  }
  const to = kept && document.activeElement === document.body
    && element.querySelector(`[data-keep="${CSS.escape(kept)}"]:not([disabled])`);
  if (to) to.focus();
}));
"""
)
"""A list that is redrawn keeps its open folds, its focus and the costs that are known already."""


@dataclass(frozen=True)
class Entry:
    """One card."""

    axis: str
    """``method`` or ``adapter``."""
    name: str
    reason: str = ""
    """Why it cannot be chosen; empty if it can."""
    serves: str = ""
    """That the data serves, once there is data."""
    is_chosen: bool = False

    @property
    def cls(self) -> type[Method] | type[Adapter]:
        return TYPES[self.axis][self.name]

    @property
    def key(self) -> str:
        """Its name on the page: ``method:dpo``."""
        return f"{self.axis}:{self.name}"


def title(cls: type) -> str:
    """The title of a method or an adapter, with its short name where that says more: ``Low-rank adaptation (LoRA)``."""
    name, said = cls.__name__, re.sub(r"\W", "", unicodedata.normalize("NFKC", cls.title)).lower()
    is_short = sum(letter.isupper() for letter in name) > 1
    return f"{cls.title} ({name})" if is_short and name.lower() not in said else cls.title


def reason_against(method: type[Method], kind: str) -> str:
    """Why data of ``kind`` cannot be trained on with ``method``; empty if it can, or if there is no data yet."""
    if not kind or kind in method.reads:
        return ""
    return f"Needs {needs(method)}; your data is {KINDS[kind].plural}."


def entries(kind: str, method: str, adapter: str) -> dict[str, list[Entry]]:
    """The cards of both axes for data of ``kind``, with this ``method`` and ``adapter`` chosen."""
    methods = [
        Entry("method", name, reason_against(cls, kind), SERVES if kind else f"Needs {needs(cls)}.", name == method)
        for name, cls in METHODS.items()
    ]
    chosen = METHODS[method]()
    adapters = [
        Entry("adapter", name, refusal(chosen, cls()), is_chosen=name == adapter) for name, cls in ADAPTERS.items()
    ]
    return {"method": methods, "adapter": adapters}


def catalog(kind: str, method: str, adapter: str) -> str:
    """Both lists of cards."""
    found = entries(kind, method, adapter)
    return "".join(
        f"<fieldset class='catalog'><legend>{escape(words)}</legend>{''.join(map(_card, found[axis]))}</fieldset>"
        for axis, words in AXES.items()
    )


def picked(key: str, method: str, adapter: str) -> tuple[str, str]:
    """Method and adapter after the card ``key`` was picked; an adapter that the new method refuses gives way."""
    axis, _, name = str(key).partition(":")
    if name not in TYPES.get(axis, {}):
        return method, adapter
    if axis == "adapter":
        return method, name
    return name, nearest(METHODS[name](), ADAPTERS[adapter]()).model_fields["type"].default


def _card(entry: Entry) -> str:
    cls, key, about = entry.cls, escape(entry.key), escape(entry.key.replace(":", "-"))
    state = " disabled" if entry.reason else " checked" if entry.is_chosen else ""
    why = f"<span class='reason'>{escape(entry.reason)}</span>" if entry.reason else ""
    serves = f"<span class='serves'>{escape(entry.serves)}</span> " if entry.serves and not why else ""
    return (
        f"<div class='entry{' unavailable' if why else ''}'>"
        f"<label><input type='radio' name='{entry.axis}' data-pick data-keep='{key}' value='{key}'"
        f" aria-describedby='about-{about}'{state}><span class='preset-title'>{escape(title(cls))}</span></label>"
        f"<div id='about-{about}'><p>{escape(cls.analogy)}</p>"
        f"<p class='needs'>{why}{serves}<span data-cost-of='{key}'>{WAITING}</span></p></div>"
        f"<details data-more='{key}'><summary data-keep='more-{key}' aria-label='More on {escape(title(cls))}'>More"
        f"</summary><p>{escape(cls.plain)}</p><p>{escape(cls.engineer)}</p>"
        f"<p><b>When not.</b> {escape(cls.avoid)}</p><p class='small'>{linked(cls.paper)}</p></details></div>"
    )


def linked(paper: str) -> str:
    """A paper as HTML, with a link to its arXiv page where it has a number."""
    return re.sub(
        r"arXiv:? ?(\d{4}\.\d{4,5})",
        r"<a href='https://arxiv.org/abs/\1' target='_blank' rel='noreferrer'>arXiv \1</a>",
        escape(paper),
    )
