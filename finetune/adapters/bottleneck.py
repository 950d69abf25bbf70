"""Bottleneck adapters: small networks behind the attention and feed-forward blocks of every layer."""

from typing import ClassVar, Literal

from pydantic import Field

from finetune.adapters import targets
from finetune.adapters.adapter import Adapter, Call
from finetune.adapters.ia3 import INNER
from finetune.adapters.names import named
from finetune.errors import ModelError
from finetune.private import PrivateName

OUTPUT = ("o_proj", "out_proj", "attention.dense", "self_attn.dense", "self_attention.dense", "attn.c_proj")
"""How models call the last linear layer of attention."""
FEED_FORWARD = (*INNER, "mlp.c_proj")
"""How they call that of a feed-forward block."""


def put_code(model, folder):
    """Put the file that PEFT needs to load the adapter of ``model`` beside it in ``folder``."""
    import inspect
    import shutil

    shutil.copyfile(inspect.getfile(type(model.base_model)), folder / "bottleneck_adapter.py")


class Bottleneck(Adapter):
    """Bottleneck adapters (Houlsby et al. 2019): small networks between the frozen blocks of the model."""

    type: Literal["bottleneck"] = "bottleneck"
    size: int = Field(32, ge=1, le=4096)
    """Width of the small networks. Wider: the adapter can learn more and takes more memory."""
    places: Literal["houlsby", "pfeiffer"] = "houlsby"
    """Where they stand: behind attention and feed-forward (`houlsby`), or behind feed-forward alone (`pfeiffer`), with
    half the weights."""

    order: ClassVar[int] = 120
    title: ClassVar[str] = "Bottleneck adapters"
    plain: ClassVar[str] = (
        "The model stays as it is and small networks are set between its layers: the first adapters that there were."
    )
    engineer: ClassVar[str] = "Bottleneck adapters (down, GELU, up, residual) behind attention and feed-forward blocks."
    analogy: ClassVar[str] = "Like an inspector behind each desk, who corrects a little what is passed on."
    avoid: ClassVar[str] = (
        "Where answers must be as fast as the base's, or for programs that load plain PEFT adapters only: LoRA merges."
    )
    paper: ClassVar[str] = "Houlsby et al. 2019, Parameter-Efficient Transfer Learning for NLP, arXiv 1902.00751"
    noun: ClassVar[str] = "bottleneck adapter"
    attaches_to: ClassVar[str] = "activations"
    rate_factor: ClassVar[float] = 30.0
    merges: ClassVar[bool] = False
    overrides: ClassVar[tuple[PrivateName, ...]] = (
        PrivateName.declared(
            "peft.tuners.tuners_utils.BaseTuner._create_and_replace"
            "(self, peft_config, adapter_name, target, target_name, parent, current_key, parameter_name)",
            "finetune.adapters.own.bottleneck_adapter.BottleneckModel",
            "How a type of adapter puts its layers into a model. Without it PEFT has no bottleneck adapters.",
        ),
    )
    code: ClassVar[str] = "finetune.adapters.own.bottleneck_adapter"

    def peft_arguments(self):
        """A ``BottleneckConfig`` for causal language modelling."""
        return "BottleneckConfig", {"size": self.size, "task_type": "CAUSAL_LM"}

    def suited_to(self, model) -> dict:
        """The last linear layers of the blocks of ``model``; ``ModelError`` for one that calls them by other names."""
        decoder = {id(part) for part in targets.decoder_of(model).modules()}

        def fits(names):
            ends = tuple(f".{name}" for name in names)
            return lambda name, part, _: name.endswith(ends) and id(part) in decoder and hasattr(part, "weight")

        outer, inner = named(model, fits(OUTPUT)), named(model, fits(FEED_FORWARD))
        if not inner or (self.places == "houlsby" and not outer):
            raise ModelError(
                f"The blocks of this model ({model.config.model_type}) are not known here by their layers' names.",
                "Choose LoRA, which takes all linear layers.",
            )
        return {"target_modules": sorted({*inner, *(outer if self.places == "houlsby" else ())})}

    def on_saved(self) -> Call:
        """The code to load it goes along."""
        return Call(put_code)
