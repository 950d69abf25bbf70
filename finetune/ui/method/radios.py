"""The presets as radio buttons: native ones, so that arrow keys, focus and screen readers just work.

A preset that the data cannot serve is shown and cannot be chosen; it says why.
"""

from html import escape

from finetune.adapters import ADAPTERS
from finetune.adapters.lora import LoRA
from finetune.methods import METHODS, method_for
from finetune.recipe import nearest
from finetune.ui.method import catalog
from finetune.ui.method.presets import Preset


def reason_against(preset: Preset, kind: str) -> str:
    """Why data of ``kind`` cannot be used with ``preset``; empty if it can, or if there is no data yet."""
    method, _ = preset.parts()
    return catalog.reason_against(type(method), kind)


def matching(presets: list[Preset], method: str, adapter: str) -> str:
    """The name of the preset with this method and adapter; empty for a combination that has none."""
    for preset in presets:
        if (preset.method["type"], preset.adapter["type"]) == (method, adapter):
            return preset.name
    return ""


def suited(presets: list[Preset], kind: str, method: str, adapter: str, is_new: bool = False) -> tuple[str, str]:
    """``method`` and ``adapter`` if data of ``kind`` can serve them; else those of the first preset that it can serve.

    One with LoRA comes first. Where no preset is served: the method that is meant for the kind, with LoRA if it can.
    If the kind ``is_new``, a method that is meant for others first gives way to the one that is meant for it.
    """
    meant = method_for(kind)
    if kind in METHODS[method].reads and not (is_new and METHODS[method].reads[0] != kind and meant.reads[0] == kind):
        return method, adapter
    able = [preset for preset in presets if not reason_against(preset, kind) and preset.method["type"] == meant.type]
    able.sort(key=lambda preset: preset.adapter["type"] != "lora")
    if able:
        return able[0].method["type"], able[0].adapter["type"]
    return meant.type, nearest(meant, LoRA()).model_fields["type"].default


def group(presets: list[Preset], kind: str, method: str, adapter: str) -> str:
    """The presets as a group of radio buttons; the one with this ``method`` and ``adapter`` is checked.

    A pair that has no preset is named below them.
    """
    chosen = matching(presets, method, adapter)
    drawn = "".join(_preset(preset, reason_against(preset, kind), preset.name == chosen) for preset in presets)
    pair = f"{catalog.title(METHODS[method])} with {catalog.title(ADAPTERS[adapter])}"
    own = "" if chosen else f"<p class='small own'>Chosen: {escape(pair)}, under “All methods”.</p>"
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
