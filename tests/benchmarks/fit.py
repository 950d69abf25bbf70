"""The memory estimate against a measured step, over model sizes, methods, adapters and batch shapes.

    python -m tests.benchmarks.fit [--sizes starter,25m,80m,200m,500m] [--adapters full,lora,qlora] [--runs 3]
        [--json FILE]

Models have random weights. Rows have two lengths, so that the longest batch is padded. Each run is a new process
(``finetune.fit.probe``); a row of the table has the median of its runs. Ratio: estimate over measured peak, both as
growth of resident memory.
"""

import argparse
import json
import os
import shutil
import tempfile
from pathlib import Path
from statistics import median

from finetune.fit.estimate import estimate_fit
from finetune.fit.probe import count_tokens, measured
from finetune.machine.libraries import load
from finetune.models.locate import STARTER
from finetune.recipe import Recipe
from finetune.runs.workspace import Workspace

SIZES = {
    "25m": (384, 1024, 8, 6, 2, 16000),
    "80m": (640, 1728, 14, 10, 10, 16000),
    "200m": (896, 2432, 16, 14, 2, 64000),
    "500m": (896, 4864, 24, 14, 2, 151936),
}
"""Hidden size, intermediate size, layers, heads, key-value heads, vocabulary."""

SHAPES = {"starter": (512, 4), "25m": (256, 4), "80m": (128, 4), "200m": (64, 2), "500m": (64, 1)}
"""Length and batch size at which every adapter is measured."""

METHODS = {"text": "sft", "answer": "sft", "pair": "dpo"}
"""The method that trains on each kind of row."""

VARIANTS = (
    ("25m", "text", {"precision": "fp32"}),
    ("25m", "text", {"activation_checkpointing": True}),
    ("25m", "text", {"accumulation": 2}),
    ("25m", "text", {"length": 1024, "batch_size": 1}),
    ("starter", "text", {"length": 1024, "batch_size": 4}),
    ("starter", "text", {"length": 128, "batch_size": 8}),
    ("starter", "text", {"packing": True}),
    ("starter", "answer", {}),
    ("25m", "answer", {}),
    ("starter", "pair", {}),
    ("25m", "pair", {"length": 128}),
)
"""Further models, kinds of rows and settings that are measured."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="starter,25m,80m,200m,500m")
    parser.add_argument("--adapters", default="full,lora,qlora")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    load()
    found, sizes = [], options.sizes.split(",")
    print("| Model | Rows | Adapter | Settings | Estimate, MB | Measured, MB | Ratio |\n|" + " --- |" * 7)
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        for size in sizes:
            if size != "starter":
                write_model(workspace.models_dir / size, SIZES[size])
        for size, kind, settings in [*((size, "text", {}) for size in sizes), *VARIANTS]:
            if size in sizes:
                for adapter in options.adapters.split(","):
                    found.append(row(workspace, size, kind, adapter, settings, options.runs))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


def row(workspace: Workspace, size: str, kind: str, adapter: str, settings: dict, runs: int) -> dict:
    """One row of the table, printed."""
    length, batch = SHAPES[size]
    training = {"length": length, "batch_size": batch, "packing": False, "epochs": 1, **settings}
    recipe = Recipe.from_dict({
        "model": {"id": size}, "method": {"type": METHODS[kind]}, "adapter": {"type": adapter}, "training": training,
        "data": {"path": str(write_rows(workspace, kind, training))},
        "evaluation": {"times": 1, "max_tokens": 4},
    })  # fmt: skip
    fit = estimate_fit(recipe, workspace, count_tokens(recipe, workspace), gpus=False)
    peaks = [measured(recipe, workspace).peak_bytes for _ in range(runs)]
    ratio = fit.estimate_bytes / median(peaks)
    words = ", ".join(f"{name} {value}" for name, value in ({"length": length, "batch_size": batch} | settings).items())
    print(
        f"| {size} | {kind} | {adapter} | {words} | {fit.estimate_bytes / 1e6:.0f} | {median(peaks) / 1e6:.0f} "
        f"({min(peaks) / 1e6:.0f} to {max(peaks) / 1e6:.0f}) | {ratio:.2f} |",
        flush=True,
    )
    return {"model": size, "rows": kind, "adapter": adapter, "settings": words, "ratio": round(ratio, 3)}


def write_model(folder: Path, size: tuple[int, ...]) -> Path:
    """A Qwen2 of this ``size`` with random weights in bf16 and the starter's tokenizer."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    hidden, intermediate, layers, heads, key_value_heads, vocabulary = size
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=vocabulary, hidden_size=hidden, intermediate_size=intermediate, num_hidden_layers=layers,
        num_attention_heads=heads, num_key_value_heads=key_value_heads, max_position_embeddings=4096,
        tie_word_embeddings=True, eos_token_id=2, pad_token_id=0, bos_token_id=None,
    )  # fmt: skip
    Qwen2ForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    for file in (*STARTER.glob("*token*"), *STARTER.glob("*.jinja")):
        shutil.copy(file, folder)
    return folder


def write_rows(workspace: Workspace, kind: str, training: dict) -> Path:
    """Rows of the length that ``training`` allows and of three quarters of it; with packing also many short ones.

    In rows of kind ``answer`` the answer is a quarter.
    """
    path = workspace.uploads_dir / f"{kind}-{training['length']}-{training['packing']}.jsonl"
    shares = (0.9, 0.2, 0.2, 0.3) if training["packing"] else (1.2, 0.75)
    rows = []
    for n in range(48):
        words = ["the", "sea", "is", "blue", "and"] * int(shares[n % len(shares)] * training["length"] / 5 + 1)
        text = " ".join(words[: int(shares[n % len(shares)] * training["length"])])
        rows.append({
            "text": {"text": f"{text} {n}"},
            "answer": {"prompt": f"{n} {text[len(text) // 4 :]}", "completion": text[: len(text) // 4]},
            "pair": {"prompt": f"What is sea {n}?", "chosen": text, "rejected": text[: len(text) // 2]},
        }[kind])  # fmt: skip
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


if __name__ == "__main__":
    main()
