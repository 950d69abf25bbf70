"""Partial fine-tuning: the last layers of the model are trained, or layers named by a person; the rest is frozen."""

from typing import ClassVar, Literal

from pydantic import Field

from finetune.adapters.adapter import Adapter, Call
from finetune.adapters.names import listed


def freeze_all_but(model, layers, names, norms_and_head):
    """Freeze all of ``model`` but its last ``layers`` layers, or what has one of ``names`` in its full name.

    With ``norms_and_head`` the norm after the last layer and the output embeddings are trained too.
    """
    import torch

    trained, weights = set(), list(model.named_parameters(remove_duplicate=False))  # tied ones by both their names
    for wanted in names:
        found = {weight for name, weight in weights if wanted in name}
        if not found:
            known = sorted({name.rpartition(".")[0].rpartition(".")[2] for name, _ in weights})
            raise ValueError(f"No weight of this model has {wanted} in its name, but {', '.join(known)}.")
        trained |= found
    count = model.config.get_text_config().num_hidden_layers
    if not names and layers > count:
        raise ValueError(f"This model has {count} layers, and {layers} are to be trained (adapter.layers).")
    parts = [*model.get_decoder().modules(), *model.modules()]  # the first may be the head alone
    stacks = [part for part in parts if isinstance(part, torch.nn.ModuleList) and len(part) == count]
    if not names:
        trained |= {weight for layer in stacks[0][-layers:] for weight in layer.parameters()}
    if norms_and_head:
        stacked = {weight for layer in stacks[0] for weight in layer.parameters()}
        trained |= {weight for name, weight in model.named_parameters() if "norm" in name and weight not in stacked}
        head = model.get_output_embeddings()
        trained |= set(head.parameters()) if head is not None else set()
    for weight in model.parameters():
        weight.requires_grad_(weight.requires_grad and weight in trained)


class Freeze(Adapter):
    """The model's own weights, but only those of a few layers; the result is a whole model."""

    type: Literal["freeze"] = "freeze"
    layers: int = Field(2, ge=1, le=512)
    """Number of layers that are trained, counted from the last. More: it can learn more and takes more memory."""
    modules: str = Field("", max_length=400)
    """Train the weights with one of these in their names in place of the last layers, e.g. `mlp, lm_head`."""
    norm_and_head: bool = False
    """Train the last norm and the output embeddings too. With tied embeddings this trains the input embeddings as
    well."""

    order: ClassVar[int] = 50
    title: ClassVar[str] = "Partial fine-tuning"
    plain: ClassVar[str] = (
        "Only the last few layers of the model are trained; the others stay as they are, which saves memory."
    )
    engineer: ClassVar[str] = "Partial fine-tuning: the last layers in fp32 with AdamW, all others frozen."
    analogy: ClassVar[str] = (
        "Like retraining only the last desk of an assembly line: what comes before it works as it always did."
    )
    avoid: ClassVar[str] = (
        "Where it should switch off again: the weights themselves change. LoRA does more with fewer trained weights."
    )
    paper: ClassVar[str] = (
        "Lee et al. 2019, What Would Elsa Do? Freezing Layers During Transformer Fine-Tuning, arXiv 1911.03090"
    )
    noun: ClassVar[str] = "model"
    attaches_to: ClassVar[str] = "weights"
    weight_bits: ClassVar[int] = 32
    rate_factor: ClassVar[float] = 3.0

    def on_base(self) -> Call:
        """All but the chosen layers are frozen."""
        given = {"layers": self.layers, "names": listed(self.modules), "norms_and_head": self.norm_and_head}
        return Call(freeze_all_but, given)

    def lighter(self) -> str:
        return "qlora"
