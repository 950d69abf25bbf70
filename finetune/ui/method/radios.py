"""The presets as radio buttons: native ones, so that arrow keys, focus and screen readers just work.

A preset that the data cannot serve is shown and cannot be chosen; it says why.
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
    """The name of the preset with this method and adapter; empty for a combination that has none."""
    for preset in presets:
        if (preset.method["type"], preset.adapter["type"]) == (method, adapter):
            return preset.name
    return ""


def suited(presets: list[Preset], kind: str, chosen: str) -> Preset:
    """``chosen`` if data of ``kind`` can serve it; else the first one that it can serve, with LoRA if there is one."""
    able = [preset for preset in presets if not reason_against(preset, kind)] or presets
    by_name = {preset.name: preset for preset in able}
    return by_name.get(chosen) or next((preset for preset in able if preset.adapter["type"] == "lora"), able[0])


def group(presets: list[Preset], kind: str, chosen: str) -> str:
    """The presets as a group of radio buttons, with ``chosen`` checked."""
    drawn = "".join(_preset(preset, reason_against(preset, kind), preset.name == chosen) for preset in presets)
    own = "" if chosen else "<p class='small'>Your own combination, from “More settings” below.</p>"
    return f"<fieldset class='presets'><legend class='visually-hidden'>Preset</legend>{drawn}</fieldset>{own}"


def _preset(preset: Preset, reason: str, is_chosen: bool) -> str:
    state = " disabled" if reason else " checked" if is_chosen else ""
    why = f"<span class='reason'>{escape(reason)}</span>" if reason else ""
    return (
        f"<label class='preset{' unavailable' if reason else ''}'>"
        f"<input type='radio' name='preset' data-pick value='{escape(preset.name)}'{state}>"
        f"<span class='preset-title'>{escape(preset.title)}</span>"
        f"<span class='preset-plain'>{escape(preset.plain)}</span>"
        f"<span class='preset-engineer'>{escape(preset.engineer)}</span>{why}</label>"
    )
