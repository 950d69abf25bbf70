"""What the models of the page's list weigh: parameters, and the memory that the page's own estimate gives.

    python -m tests.benchmarks.models [--only WORD] [--write]

Their configs are in tests/fit/configs, one a model, each with its source. ``--write`` brings the counts in
assets/models.yaml up to date; ``tests/models/test_known.py`` compares.
"""

import argparse
import json
import logging
import re
import tempfile
import warnings
from pathlib import Path

from finetune.data.counts import Counts
from finetune.fit.estimate import gpu_bytes
from finetune.models.architecture import DEQUANTIZED
from finetune.models.known import known_models
from finetune.paths import ASSETS, PROJECT
from finetune.recipe import Recipe

CONFIGS = PROJECT / "tests" / "fit" / "configs"
ROWS, TOKENS = 4, 512
"""The batches whose memory is estimated; every token of a row is trained."""


def config(model_id: str) -> dict:
    """The config of a listed model, the keys that matter, without the word on its source."""
    found = json.loads((CONFIGS / f"{model_id.replace('/', '--')}.json").read_text(encoding="utf-8"))
    assert found.pop("source")
    return found


def write_config(model_id: str, folder: Path) -> Path:
    """A model's folder with its config and nothing else."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config(model_id)), encoding="utf-8")
    return folder


def recipe(adapter: str, model_id: str) -> Recipe:
    """The recipe that the estimate is for."""
    return Recipe.from_dict(
        {
            "model": {"id": model_id},
            "data": {"path": "rows.jsonl"},
            "adapter": {"type": adapter},
            "training": {"length": TOKENS, "batch_size": ROWS},
        }
    )


def parameters(folder: Path) -> int:
    """Of the model as it is loaded here, tied weights once."""
    from finetune.adapters.full import Full
    from finetune.fit.profile import empty

    return sum(weight.numel() for weight in empty(folder, Full()).parameters())


def gigabytes(model_id: str, adapter: str, folder: Path) -> float | None:
    """GPU memory in units of 2^30 bytes, two figures; None if it can only be measured, or if QLoRA is refused."""
    stored = config(model_id).get("quantization_config", {}).get("quant_method")
    if adapter == "qlora" and stored in DEQUANTIZED:
        return None
    needed = gpu_bytes(recipe(adapter, model_id), folder, Counts(rows=100, longest=TOKENS))
    return None if needed is None else float(f"{needed / 2**30:.2g}") if needed < 100 * 2**30 else round(needed / 2**30)


def figures(model_id: str, folder: Path) -> dict:
    """The counts of a listed model, as assets/models.yaml has them."""
    write_config(model_id, folder)
    return {
        "parameters": parameters(folder),
        **{f"{adapter}_gb": gigabytes(model_id, adapter, folder) for adapter in ("lora", "qlora")},
    }


def with_figures(text: str, model_id: str, found: dict) -> str:
    """``text`` of assets/models.yaml with the counts of one model."""
    before, entry, after = re.split(rf"(- id: {re.escape(model_id)}\n.*?)(?=\n- id: |\Z)", text, flags=re.DOTALL)
    for name, value in found.items():
        words = "null" if value is None else f"{value:_}" if name == "parameters" else f"{value:g}"
        entry = re.sub(rf"(?<=  {name}: ).*", words, entry)
    return before + entry + after


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="WORD", help="the models with this in their id")
    parser.add_argument("--write", action="store_true", help="bring assets/models.yaml up to date")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    for model in known_models():
        if options.only in model.id:
            with tempfile.TemporaryDirectory() as folder:
                found = figures(model.id, Path(folder) / "model")
            print(model.id, found, flush=True)
            if options.write:
                file = ASSETS / "models.yaml"
                file.write_text(with_figures(file.read_text(encoding="utf-8"), model.id, found), encoding="utf-8")


if __name__ == "__main__":
    main()
