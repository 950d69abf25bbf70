"""Settings that change nothing in the data at hand: each is said, so that nobody relies on what it does not do."""

from finetune.data.dataset import Dataset
from finetune.data.kinds import KINDS
from finetune.data.settings import DataSettings
from finetune.data.table import WHOLE_TEXT


def idle(settings: DataSettings, dataset: Dataset) -> list[str]:
    """A sentence for each of ``settings`` that ``dataset``, which was read with them, has no use for."""
    files, rows = (settings.path, *settings.also), KINDS[dataset.kind].plural
    from_hub = any(file.startswith("hf://") for file in files)
    found = {
        "config": settings.config and not from_hub and "it is for datasets on the Hugging Face Hub",
        "split": settings.split and not from_hub and "it is for datasets on the Hugging Face Hub",
        "sheet": settings.sheet and not dataset.table.sheets and "the file is neither a workbook nor an archive",
        "whole_text": settings.whole_text and WHOLE_TEXT not in dataset.notes and "the file has rows of its own",
        "threshold": settings.threshold is not None and dataset.kind != "rated" and f"the rows are {rows}",
        "split_long": settings.split_long and dataset.kind != "text" and f"the rows are {rows}, which stay whole",
        "system": settings.system and dataset.kind == "text" and f"the rows are {rows}, without a system prompt",
    }
    return [f"The setting data.{name} is not used: {reason}." for name, reason in found.items() if reason]
