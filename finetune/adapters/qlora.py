"""QLoRA: LoRA over a base quantized to 4 or 8 bits, for models that would not fit otherwise."""

from typing import Any, ClassVar, Literal

from finetune.adapters.lora import LoRA


class QLoRA(LoRA):
    """LoRA over a base in 4-bit NormalFloat (Dettmers et al. 2023)."""

    type: Literal["qlora"] = "qlora"
    quantization_type: Literal["nf4", "fp4", "int8"] = "nf4"
    """How the frozen weights are stored: `nf4` (4 bits, made for weights), `fp4` (4 bits), or `int8` (8 bits: closer to
    the original, twice the memory, slower)."""
    double_quantization: bool = True
    """Double quantization: quantize the scales of 4-bit weights too. Saves about 0.4 bits per weight."""

    order: ClassVar[int] = 30
    title: ClassVar[str] = "QLoRA"
    plain: ClassVar[str] = (
        "Like LoRA, with the model's own weights quantized to 4 bits, a quarter of their size, so bigger models fit."
    )
    engineer: ClassVar[str] = "QLoRA: nf4 base through bitsandbytes, bf16 compute, LoRA on all linear layers."
    analogy: ClassVar[str] = (
        "Like LoRA with the book as a pocket edition: a little less sharp, and it fits in a small bag."
    )
    avoid: ClassVar[str] = (
        "Where LoRA fits: on the same machine that is faster, and the model is read without rounding."
    )
    paper: ClassVar[str] = "Dettmers et al. 2023, QLoRA: Efficient Finetuning of Quantized LLMs, arXiv 2305.14314"

    @property
    def weight_bits(self) -> int:
        """Bits per weight of the base while it trains."""
        return 8 if self.quantization_type == "int8" else 4

    @property
    def profiled(self) -> bool:
        """True for 4 bits; over 8 its memory can only be measured."""
        return self.weight_bits == 4

    def quantization_arguments(self):
        """4 bits with bf16 compute (fp32 compute decodes 28 times slower on a CPU), or bitsandbytes' int8."""
        if self.quantization_type == "int8":
            return {"load_in_8bit": True}
        return {
            "load_in_4bit": True,
            "bnb_4bit_quant_type": self.quantization_type,
            "bnb_4bit_compute_dtype": "bfloat16",
            "bnb_4bit_use_double_quant": self.double_quantization,
        }

    def quantization(self) -> Any:
        """Its configuration for Transformers; int8 layers would log a line at each call."""
        import logging

        logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
        return super().quantization()

    def lighter(self) -> str:
        return ""
