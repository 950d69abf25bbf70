"""The lines that serve a run to many at once: with vLLM, which batches the requests of all of them.

What vLLM loads was read in its source (``vllm/lora/peft_helper.py``, ``vllm/config/lora.py``, v0.26): LoRA of PEFT,
rank-stabilized too, at ranks of ``RANKS``; no DoRA, no ``modules_to_save``, no biases, and no other type of adapter.
LoRA on experts that are one tensor (``target_parameters``) it drops or refuses (vllm-project/vllm#41384, #52194).
"""

import shlex
from dataclasses import dataclass
from pathlib import Path

from finetune.models.locate import is_hub, locate
from finetune.models.usage import saved_json
from finetune.recipe import Recipe
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace

RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""What ``--max-lora-rank`` may be."""
EXPORTED = "exported"
"""The folder that the lines export to."""


@dataclass(frozen=True)
class Production:
    """How a run is served to many."""

    lines: tuple[str, ...]
    """Commands for a shell, in their order; none if vLLM cannot serve it."""
    words: str
    """What to know about them, or why there are none, as sentences."""


def production(run: Run, workspace: Workspace) -> Production:
    """The lines for ``run`` as it lies in ``workspace``."""
    return production_of(run, workspace, saved_json(run, "adapter_config.json"), run.model_dir)


def production_of(run: Run, workspace: Workspace, config: dict, folder: Path) -> Production:
    """The lines for ``folder``, to which ``run`` was written; ``config`` is empty unless that is an adapter."""
    recipe = run.as_trained
    base = [recipe.model.id] if is_hub(recipe.model, workspace) else [str(locate(recipe.model, workspace))]
    if is_hub(recipe.model, workspace) and recipe.model.revision:
        base += ["--revision", recipe.model.revision]
    return lines(recipe, config, run.id, base, folder)


def lines(recipe: Recipe, config: dict, name: str, base: list[str], folder: Path) -> Production:
    """The lines for a model called ``name``.

    ``config`` is the adapter's own, empty where all weights were saved; ``base`` are the words that name its base to
    vLLM, ``folder`` holds what was saved.
    """
    hints = _hints(recipe)
    if recipe.method.makes_scorer:
        return Production((), "A reward model rates answers and writes none, so it is not served here.")
    if not config:
        return Production((shlex.join(["vllm", "serve", str(folder)]),), hints)
    if not (why := unloadable(config)):
        rank = next(each for each in RANKS if each >= ranks(config))
        given = ["--enable-lora", "--max-lora-rank", str(rank), "--lora-modules", f"{name}={folder}"]
        if recipe.model.chat_template != "own":
            given += ["--chat-template", str(Path(folder) / "chat_template.jinja")]
        return Production((shlex.join(["vllm", "serve", *base, *given]),), f"{_quantized(recipe)} {hints}".strip())
    if not recipe.adapter.merges:
        words = (
            f"vLLM cannot load this adapter ({why}), and it cannot be merged into its base: serve it with this program."
        )
        return Production((), words)
    export = ["python", "-m", "finetune", "export", name, "--to", EXPORTED, "--as", "merged"]
    serve = ["vllm", "serve", f"{EXPORTED}/{name}-merged"]
    words = f"vLLM cannot load this adapter ({why}), so it is merged into its base first. {hints}"
    return Production((shlex.join(export), shlex.join(serve)), words.strip())


def unloadable(config: dict) -> str:
    """Why vLLM cannot load the adapter of ``config``, in a few words; empty if it can."""
    if (kind := config.get("peft_type")) != "LORA":
        return f"its type is {kind}, not LoRA"
    if config.get("use_dora"):
        return "it uses DoRA"
    if config.get("modules_to_save"):
        return "it has layers that were trained whole"
    if config.get("target_parameters"):
        return "it is for experts too"
    if config.get("bias", "none") != "none":
        return "it has biases"
    if (rank := ranks(config)) > RANKS[-1]:
        return f"its rank is {rank:,}, above {RANKS[-1]}"
    return ""


def ranks(config: dict) -> int:
    """The highest rank of a layer of the adapter."""
    return max(config.get("r", 1), *(config.get("rank_pattern") or {}).values(), 1)


def _quantized(recipe: Recipe) -> str:
    if recipe.adapter.quantization_arguments() is None:
        return ""
    return (
        f"It was trained on the base in {recipe.adapter.weight_bits} bits, and vLLM reads the base as it was before: "
        "answers can differ a little."
    )


def _hints(recipe: Recipe) -> str:
    """What vLLM does not do by itself."""
    if not recipe.data.system:
        return ""
    return "Send the system prompt with each request: vLLM adds none."
