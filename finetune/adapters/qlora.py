"""QLoRA: LoRA over a base quantized to 4 bits, for models that would not fit otherwise."""

from typing import ClassVar, Literal

from finetune.adapters.lora import LoRA


class QLoRA(LoRA):
    """LoRA over a base in 4-bit NormalFloat (Dettmers et al. 2023)."""

    type: Literal["qlora"] = "qlora"
    double_quantization: bool = True
    """Double quantization: quantize the scales of the 4-bit weights too. Saves about 0.4 bits per weight."""

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
    weight_bits: ClassVar[int] = 4

    def quantization_arguments(self):
        """nf4 with bf16 compute (fp32 compute decodes 28 times slower on a CPU)."""
        return {
            "load_in_4bit": True,
            "bnb_4bit_quant_type": "nf4",
            "bnb_4bit_compute_dtype": "bfloat16",
            "bnb_4bit_use_double_quant": self.double_quantization,
        }
