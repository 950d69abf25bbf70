"""What each card of the catalog costs against SFT with LoRA, in words, for the chosen model and data.

Estimated only while the fold is open, one entry after the other, and once for each model, data and length.
"""

import time
from collections.abc import Iterator
from html import escape

from finetune.adapters.lora import LoRA
from finetune.errors import FinetuneError
from finetune.fit.relative import MEASURE, Cost, Setting, cost, pair_of
from finetune.format import rough_duration, size
from finetune.models.preview import folder_of, require_trainable
from finetune.recipe import ModelSettings
from finetune.ui.data.desk import Chosen
from finetune.ui.method.catalog import TYPES, WAITING
from finetune.ui.studio import Studio

EVERY_S = 0.7
"""Seconds between two updates of the cards while they are estimated."""
NO_DATA = "Memory and time are estimated once there is data."
UNKNOWN = "Memory and time are estimated once the model is inspected."
FILL = """
watch('value', () => requestAnimationFrame(() => {
  for (const each of document.querySelectorAll('#catalog [data-cost-of]')) {
    const known = element.querySelector(`[data-cost="${each.dataset.costOf}"]`);
    if (known) each.textContent = known.textContent;
  }
}));
"""
"""Puts each cost into its card."""


def costs(studio: Studio, is_open: bool, chosen: Chosen | None, model: ModelSettings, length: int) -> Iterator[str]:
    """The costs known so far, again and again until all are; nothing while the fold is closed."""
    keys = [f"{axis}:{name}" for axis, types in TYPES.items() for name in types]
    if not is_open:
        return
    if chosen is None or not chosen.kind:
        yield drawn(dict.fromkeys(keys, NO_DATA))
        return
    try:
        require_trainable(model, LoRA(), studio.workspace)
        problem = "" if folder_of(model, studio.workspace) else UNKNOWN
    except FinetuneError as error:
        problem = f"No estimate: {error.message}"
    if problem:
        yield drawn(dict.fromkeys(keys, problem))
        return
    setting, words, shown = Setting(model, length, chosen.kind, chosen.counts), dict.fromkeys(keys, WAITING), 0.0
    for key in keys:
        if time.monotonic() - shown > EVERY_S:
            yield drawn(words)
            shown = time.monotonic()
        words[key] = against(known(studio, setting, pair_of(*key.split(":"))), known(studio, setting, MEASURE))
    yield drawn(words)


def known(studio: Studio, setting: Setting, pair: tuple[str, str]) -> Cost:
    """The cost of ``pair``, estimated once."""
    return studio.costs.get((setting, pair), lambda: cost(setting, pair, studio.workspace))


def against(one: Cost, measure: Cost) -> str:
    """One cost against that of SFT with LoRA, as a sentence: ``0.6 × the memory and 1.4 × the time of SFT with LoRA``.

    SFT with LoRA itself has its figures.
    """
    if not measure.memory_bytes and not measure.seconds:
        return "Memory and time can only be measured."
    if one is measure:
        figures = [f"{size(one.memory_bytes)} of memory"] if one.memory_bytes else []
        figures += [rough_duration(one.seconds)] if one.seconds else []
        return f"About {' and '.join(figures)} here; the others are compared with this."
    parts = []
    if one.memory_bytes and measure.memory_bytes:
        parts.append(_times(one.memory_bytes / measure.memory_bytes, "memory"))
    if one.seconds and measure.seconds:
        parts.append(_times(one.seconds / measure.seconds, "time"))
    if not parts:
        return "Its memory and time can only be measured."
    missing = [what for what, value in (("memory", one.memory_bytes), ("time", one.seconds)) if not value]
    rest = f" Its {missing[0]} can only be measured." if missing else ""
    return f"{' and '.join(parts)} of SFT with LoRA.{rest}"


def _times(ratio: float, what: str) -> str:
    return f"{ratio:.0f} × the {what}" if ratio >= 9.95 else f"{ratio:.1f} × the {what}"


def drawn(words: dict[str, str]) -> str:
    """The costs as HTML that nobody sees: the page puts each into its card."""
    return "".join(f"<i data-cost='{escape(key)}'>{escape(text)}</i>" for key, text in words.items())
