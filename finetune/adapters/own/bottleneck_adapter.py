"""Bottleneck adapters (Houlsby et al. 2019; Pfeiffer et al. 2020) as a type of PEFT.

Behind the last linear layer of a block stands a small network whose output is added to that of the block:
h + up(GELU(down(h))). The matrix ``up`` starts at zero, so a new adapter changes nothing.

This file needs PEFT alone. Import it before a saved adapter is loaded:

    import bottleneck_adapter
    from peft import PeftModel

    model = PeftModel.from_pretrained(base, folder)
"""

from dataclasses import dataclass, field

from peft import PeftConfig, mapping
from peft.tuners.tuners_utils import BaseTuner, BaseTunerLayer
from torch import nn

TYPE = "BOTTLENECK"


@dataclass
class BottleneckConfig(PeftConfig):
    """Which linear layers the networks stand behind, and how narrow they are."""

    target_modules: list[str] | str | None = field(default=None)
    exclude_modules: list[str] | str | None = field(default=None)
    size: int = field(default=64)

    def __post_init__(self):
        super().__post_init__()
        self.peft_type = TYPE
        if isinstance(self.target_modules, list):
            self.target_modules = set(self.target_modules)


class BottleneckLayer(nn.Module, BaseTunerLayer):
    """A layer with a small network behind it."""

    adapter_layer_names = ("bottleneck_down", "bottleneck_up")
    other_param_names = ()

    def __init__(self, base_layer: nn.Module, adapter_name: str, size: int, inference_mode: bool):
        super().__init__()
        self.base_layer = base_layer
        self.merged_adapters = []
        self.bottleneck_down, self.bottleneck_up = nn.ModuleDict(), nn.ModuleDict()
        self.add(adapter_name, size, inference_mode)

    def add(self, adapter_name: str, size: int, inference_mode: bool) -> None:
        """A new network, which changes nothing yet."""
        weight = self.get_base_layer().weight
        width = getattr(self.get_base_layer(), "out_features", None) or weight.shape[-1]
        down, up = nn.Linear(width, size), nn.Linear(size, width)
        nn.init.zeros_(up.weight)
        nn.init.zeros_(up.bias)
        self.bottleneck_down[adapter_name] = down.to(weight.device)
        self.bottleneck_up[adapter_name] = up.to(weight.device)
        self.set_adapter([adapter_name], inference_mode=inference_mode)

    def merge(self, safe_merge: bool = False, adapter_names: list[str] | None = None) -> None:
        """``NotImplementedError``: a network with a nonlinearity is no part of a weight matrix."""
        raise NotImplementedError("A bottleneck adapter is not linear and cannot be merged.")

    def unmerge(self) -> None:
        """Nothing: there is nothing merged."""

    def forward(self, x, *args, **kwargs):
        result = self.base_layer(x, *args, **kwargs)
        if self.disable_adapters:
            return result
        for name in self.active_adapters:
            if name in self.bottleneck_down:
                down, up = self.bottleneck_down[name], self.bottleneck_up[name]
                added = up(nn.functional.gelu(down(result.to(down.weight.dtype))))
                result = result + added.to(result.dtype)
        return result


class BottleneckModel(BaseTuner):
    """A model with small networks behind its target modules."""

    prefix = "bottleneck_"
    tuner_layer_cls = BottleneckLayer
    target_module_mapping = {}

    def _create_and_replace(self, peft_config, adapter_name, target, target_name, parent, current_key, **_):
        if isinstance(target, BottleneckLayer):
            target.add(adapter_name, peft_config.size, peft_config.inference_mode)
            return
        layer = BottleneckLayer(target, adapter_name, peft_config.size, peft_config.inference_mode)
        if adapter_name not in self.active_adapters:
            layer.requires_grad_(False)
        setattr(parent, target_name, layer)


mapping.PEFT_TYPE_TO_CONFIG_MAPPING[TYPE] = BottleneckConfig
mapping.PEFT_TYPE_TO_TUNER_MAPPING[TYPE] = BottleneckModel
mapping.PEFT_TYPE_TO_PREFIX_MAPPING[TYPE] = BottleneckModel.prefix
