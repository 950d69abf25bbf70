"""Runs that have a tuned model and checkpoints without a training: every trained weight changed at random."""

from finetune.adapters import ADAPTERS, own
from finetune.adapters.peft import KINDS
from finetune.recipe import Recipe
from finetune.runs.events import Saved

KINDS_OF_ADAPTERS = {
    **{name: {"type": name} for name in ADAPTERS if name != "peft"},
    **{f"peft {kind}": {"type": "peft", "kind": kind, "size": 16} for kind in KINDS},
    "rslora": {"type": "lora", "rslora": True},
    "dora": {"type": "lora", "dora": True},
    "pissa": {"type": "lora", "init": "pissa"},
    "embeddings": {"type": "lora", "modules_to_save": "embed_tokens, lm_head"},
    "qlora int8": {"type": "qlora", "quantization_type": "int8"},
}
"""Every adapter, each kind of the further ones, and settings that change how one is attached."""


def tuned_run(workspace, adapter: dict, model: str = "tiny", seed: int = 1, steps: tuple[int, ...] = ()):
    """A finished run of the model called ``model``, with a kept checkpoint for each of ``steps``."""
    values = {"name": adapter["type"], "model": {"id": model}, "data": {"path": "x.jsonl"}, "adapter": adapter}
    run = workspace.create(Recipe.from_dict(values))
    folder = workspace.models_dir / model
    save_tuned(run.recipe.adapter, folder, run.model_dir, seed)
    for step in steps:
        with run.checkpoints.staging(step) as staged:
            save_tuned(run.recipe.adapter, folder, staged, seed + step, is_checkpoint=True)
    run.emit(Saved(what="model", path="model", step=1))
    return run


def save_tuned(adapter, base, folder, seed: int, is_checkpoint: bool = False) -> None:
    """What a training of ``adapter`` on the model in ``base`` would leave in ``folder``, with random weights."""
    import torch
    from peft import get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    own.register()
    model, tokenizer = AutoModelForCausalLM.from_pretrained(base), AutoTokenizer.from_pretrained(base)
    adapter.choose_weights(model)
    is_whole = adapter.trains_base()
    if not is_whole:
        model = get_peft_model(model, adapter.peft_config(model))
        if first_values := adapter.on_adapter():
            first_values(model, tokenizer)
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.requires_grad and "ranknum" not in name:
                weight.add_(0.1 * torch.randn_like(weight))
    model.save_pretrained(folder, **({} if is_whole else {"save_embedding_layers": False}))
    tokenizer.save_pretrained(folder)
    if not is_checkpoint and (on_saved := adapter.on_saved()):
        on_saved(model, folder)
