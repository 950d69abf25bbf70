"""A model folder as one GGUF file, a tensor at a time."""

import math
from collections.abc import Callable
from pathlib import Path

from finetune.errors import RunError
from finetune.exports.llama_cpp import families
from finetune.exports.llama_cpp.metadata import add_metadata
from finetune.exports.llama_cpp.tensors import Weights
from finetune.exports.llama_cpp.vocabulary import add_vocabulary, swallows

STORED = {"f16": "F16", "bf16": "BF16", "q8_0": "Q8_0"}
"""The ``GGMLQuantizationType`` of matrices, by the name of a quantization; vectors are stored in fp32."""


def write(
    folder: Path,
    tokenizer,
    to: Path,
    quantization: str,
    name: str,
    report: Callable[[float], None] = lambda share: None,
) -> None:
    """Write the model in ``folder``, called ``name``, with ``tokenizer`` to the file ``to``.

    ``report`` is told the share that is written. ``RunError`` for what llama.cpp has no place for, or if a weight is too
    large for f16.
    """
    import gguf
    import numpy as np
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False).get_text_config()
    family = families.FAMILIES[config.model_type.removesuffix("_text")]
    weights = Weights(folder, config, family)
    writer = gguf.GGUFWriter(to, gguf.MODEL_ARCH_NAMES[gguf.MODEL_ARCH[family.arch]])
    try:
        # llama.cpp knows by the name that special tokens swallow spaces.
        add_metadata(writer, config, family, f"{name} (Phi-3)" if swallows(tokenizer) else name)
        writer.add_file_type(gguf.LlamaFileType[f"MOSTLY_{STORED[quantization]}"])
        writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
        add_vocabulary(writer, tokenizer, config.vocab_size)
        found = [(named, stored_as(named.name, named.shape, quantization)) for named in weights]
        for named, kind in found:
            size = gguf.quant_shape_to_byte_shape(named.shape, kind)
            writer.add_tensor_info(named.name, size, np.dtype(np.uint8), math.prod(size), raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for done, (named, kind) in enumerate(found):
            writer.write_tensor_data(_packed(weights.read(named), kind, named.source))
            report((done + 1) / len(found))
    finally:
        writer.close()


def stored_as(name: str, shape: tuple[int, ...], quantization: str):
    """The ``GGMLQuantizationType`` of a tensor.

    Vectors and norms are fp32, as llama.cpp wants them; rows that are no whole number of blocks are f16.
    """
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    if len(shape) < 2 or name.endswith("_norm.weight"):
        return GGMLQuantizationType.F32
    kind = GGMLQuantizationType[STORED[quantization]]
    return kind if shape[-1] % GGML_QUANT_SIZES[kind][0] == 0 else GGMLQuantizationType.F16


def _packed(values, kind, source: str):
    """``values`` as a numpy array of bytes, quantized to ``kind``."""
    import numpy as np
    from gguf import GGMLQuantizationType, quants

    if kind == GGMLQuantizationType.F16 and np.abs(values).max(initial=0) > np.finfo(np.float16).max:
        raise RunError(f"The weight {source} has numbers that are too large for f16.", "Choose bf16 or q8_0.")
    return np.ascontiguousarray(quants.quantize(values, kind)).view(np.uint8)
