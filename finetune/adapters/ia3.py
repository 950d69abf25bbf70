"""(IA)³: vectors that rescale keys, values and the inner layer of each feed-forward block."""

from typing import ClassVar, Literal

from finetune.adapters import targets
from finetune.adapters.adapter import Adapter
from finetune.adapters.names import named
from finetune.errors import ModelError

SCALED = ("k_proj", "v_proj", "key", "value", "key_proj", "value_proj", "query_key_value", "qkv_proj", "c_attn", "Wqkv")
"""How models call the linear layers whose output is keys and values; fused ones have the queries too."""
INNER = ("down_proj", "w2", "fc2", "dense_4h_to_h", "fc_out", "wo")
"""How models call the last linear layer of a feed-forward block, whose input is rescaled."""


class IA3(Adapter):
    """Infused adapter by inhibiting and amplifying inner activations (Liu et al. 2022): a trained factor for each."""

    type: Literal["ia3"] = "ia3"

    order: ClassVar[int] = 80
    title: ClassVar[str] = "(IA)³"
    plain: ClassVar[str] = (
        "The model stays as it is, and for each of its inner signals one number is trained: how loud it is."
    )
    engineer: ClassVar[str] = "(IA)³: trained vectors rescale keys, values and feed-forward activations."
    analogy: ClassVar[str] = "Like a mixing desk: no new instrument joins, but each slider finds its place."
    avoid: ClassVar[str] = (
        "For new words or a new format: it only turns up and down what the model has already. LoRA adds something new."
    )
    paper: ClassVar[str] = (
        "Liu et al. 2022, Few-Shot Parameter-Efficient Fine-Tuning is Better and Cheaper than In-Context Learning, "
        "arXiv 2205.05638"
    )
    noun: ClassVar[str] = "(IA)³ adapter"
    attaches_to: ClassVar[str] = "activations"
    rate_factor: ClassVar[float] = 400.0

    def peft_arguments(self):
        """An ``IA3Config`` for causal language modelling."""
        return "IA3Config", {"task_type": "CAUSAL_LM"}

    def suited_to(self, model) -> dict:
        """The layers of ``model`` that are rescaled; ``ModelError`` for one that calls them by other names."""
        decoder = {id(part) for part in targets.decoder_of(model).modules()}
        left = {id(model.get_submodule(name)) for name in targets.left_out(model)}

        def fits(names):
            return lambda name, part, _: (
                name.rpartition(".")[2] in names and id(part) in decoder - left and hasattr(part, "weight")
            )

        scaled, inner = named(model, fits(SCALED)), named(model, fits(INNER))
        if not scaled or not inner:
            raise ModelError(
                f"(IA)³ does not know the layers of this model ({model.config.model_type}) by their names.",
                "Choose LoRA, which takes all linear layers.",
            )
        return {"target_modules": sorted({*scaled, *inner}), "feedforward_modules": inner}
