"""BitFit: only the biases of the model are trained."""

from typing import ClassVar, Literal

from finetune.adapters.adapter import Adapter, Call


def train_biases(model, add):
    """Freeze all of ``model`` but its biases; with ``add`` its linear layers get biases of zero where its config can.

    ``ValueError`` if it has none, or if a model with this config would not have those that were added.
    """
    import torch

    config, added = model.config.get_text_config(), []
    for setting, place in (("attention_bias", ".self_attn."), ("mlp_bias", ".mlp.")) if add else ():
        if getattr(config, setting, None) is False:
            setattr(config, setting, True)
            added += [
                layer
                for name, layer in model.named_modules()
                if isinstance(layer, torch.nn.Linear) and layer.bias is None and place in name
            ]
    for layer in added:
        zeros = torch.zeros(layer.out_features, dtype=layer.weight.dtype, device=layer.weight.device)
        layer.bias = torch.nn.Parameter(zeros)
    if added:
        with torch.device("meta"):
            named = set(type(model)(model.config).state_dict())
        if named != set(model.state_dict()):
            raise ValueError("A saved model of this family would not keep the biases that were added.")
    biases = {weight for name, weight in model.named_parameters() if name.endswith("bias") and weight.requires_grad}
    if not biases:
        raise ValueError(f"This model ({config.model_type}) has no biases to train.")
    for weight in model.parameters():
        weight.requires_grad_(weight in biases)


def name_biases(model, folder):
    """Say in the config in ``folder`` which layers of ``model`` have biases."""
    import json

    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    text = config.get("text_config", config)
    for name in ("attention_bias", "mlp_bias"):
        if getattr(model.config.get_text_config(), name, False) and not text.get(name):
            text[name] = True
            path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


class BitFit(Adapter):
    """The model's own biases and nothing else; the result is a whole model."""

    type: Literal["bitfit"] = "bitfit"
    add_biases: bool = False
    """Give linear layers without a bias one of zero, where the model's config can say so (Llama, Qwen3, Granite). Many
    newer models have no biases of their own."""

    order: ClassVar[int] = 110
    title: ClassVar[str] = "BitFit"
    plain: ClassVar[str] = (
        "Only the smallest knobs of the model are trained, one number per unit: far less than one percent of it."
    )
    engineer: ClassVar[str] = "BitFit: the biases in fp32 with AdamW, all weight matrices frozen."
    analogy: ClassVar[str] = "Like tuning a piano: every string is tightened or loosened a little, none is replaced."
    avoid: ClassVar[str] = (
        "Where the model must learn something new: it shifts what is there. Not for models without biases; LoRA suits "
        "all."
    )
    paper: ClassVar[str] = (
        "Ben Zaken et al. 2021, BitFit: Simple Parameter-efficient Fine-tuning for Transformer-based Masked "
        "Language-models, arXiv 2106.10199"
    )
    noun: ClassVar[str] = "model"
    attaches_to: ClassVar[str] = "weights"
    weight_bits: ClassVar[int] = 32
    rate_factor: ClassVar[float] = 400.0

    def on_base(self) -> Call:
        """All but the biases are frozen."""
        return Call(train_biases, {"add": self.add_biases})

    def on_saved(self) -> Call | None:
        """Biases that were added are in the saved config."""
        return Call(name_biases) if self.add_biases else None
