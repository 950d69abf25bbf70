"""The cards of the Method tab: native radio buttons, so that arrow keys, focus and screen readers just work.

A card that the data cannot serve is shown and cannot be chosen; it says why.
"""

from html import escape

from finetune.data.kinds import KINDS
from finetune.ui.method.presets import Preset


def reason_against(preset: Preset, kind: str) -> str:
    """Why data of ``kind`` cannot be used with ``preset``; empty if it can, or if there is no data yet."""
    method, _ = preset.parts()
    if not kind or kind in method.reads:
        return ""
    needs = " or ".join(KINDS[each].plural for each in method.reads)
    return f"Needs {needs}; your data is {KINDS[kind].plural}."


def matching(presets: list[Preset], method: str, adapter: str) -> str:
    """The name of the card that stands for this method and adapter; empty for a combination of one's own."""
    for preset in presets:
        if (preset.method["type"], preset.adapter["type"]) == (method, adapter):
            return preset.name
    return ""


def suited(presets: list[Preset], kind: str, chosen: str) -> Preset:
    """``chosen`` if data of ``kind`` can serve it, else the first that learns in a small add-on, else the first."""
    able = [preset for preset in presets if not reason_against(preset, kind)] or presets
    by_name = {preset.name: preset for preset in able}
    return by_name.get(chosen) or next((preset for preset in able if preset.adapter["type"] == "lora"), able[0])


def cards(presets: list[Preset], kind: str, chosen: str) -> str:
    """The presets as a group of radio buttons drawn as cards, with ``chosen`` checked."""
    drawn = "".join(_card(preset, reason_against(preset, kind), preset.name == chosen) for preset in presets)
    own = "" if chosen else "<p class='small'>A combination of your own, from “More settings” below.</p>"
    return (
        f"<fieldset class='cards'><legend class='visually-hidden'>How should it learn?</legend>{drawn}</fieldset>{own}"
    )


def _card(preset: Preset, reason: str, is_chosen: bool) -> str:
    state = " disabled" if reason else " checked" if is_chosen else ""
    why = f"<span class='reason'>{escape(reason)}</span>" if reason else ""
    return (
        f"<label class='card{' unable' if reason else ''}'>"
        f"<input type='radio' name='preset' data-pick value='{escape(preset.name)}'{state}>"
        f"<span class='card-title'>{escape(preset.title)}</span><span class='card-plain'>{escape(preset.plain)}</span>"
        f"<span class='card-engineer'>{escape(preset.engineer)}</span>{why}</label>"
    )
