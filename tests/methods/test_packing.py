import torch
from datasets import Dataset

from finetune.methods.packing import PackedCollator, pack

ROWS = [{"input_ids": list(range(n)), "labels": [-100] + list(range(1, n))} for n in (3, 9, 4, 2, 7, 5)]


def test_no_token_is_lost_and_no_document_is_cut():
    packed = pack(Dataset.from_list(ROWS), 10, seed=0)
    lengths = sorted(length for row in packed["seq_lengths"] for length in row)
    assert lengths == sorted(len(row["input_ids"]) for row in ROWS)
    assert max(len(row) for row in packed["input_ids"]) <= 10
    assert len(packed) < len(ROWS)


def test_positions_restart_and_a_first_token_is_never_a_target():
    batch = PackedCollator(99)(
        [
            {"input_ids": [1, 2, 3, 4, 5], "labels": [1, 2, 3, 4, 5], "seq_lengths": [2, 3]},
            {"input_ids": [6, 7], "labels": [-100, 7], "seq_lengths": [2]},
        ]
    )
    assert batch["position_ids"].tolist() == [[0, 1, 0, 1, 2], [0, 1, 0, 1, 2]]
    assert batch["labels"].tolist() == [[-100, 2, -100, 4, 5], [-100, 7, -100, -100, -100]]
    assert batch["input_ids"].tolist()[1] == [6, 7, 99, 99, 99]
    assert "attention_mask" not in batch


def test_packed_documents_do_not_see_each_other(tiny_model):
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32, attn_implementation="sdpa").eval()
    rows = [torch.randint(0, 250, (n,)).tolist() for n in (6, 9)]
    packed = PackedCollator(0)([{"input_ids": rows[0] + rows[1], "labels": rows[0] + rows[1], "seq_lengths": [6, 9]}])
    packed.pop("labels")
    with torch.no_grad():
        # Transformers tells documents apart by position only where it keeps no cache; TRL trains without one.
        together = model(**packed, use_cache=False).logits[0, 6:]
        alone = model(input_ids=torch.tensor([rows[1]])).logits[0]
    assert torch.allclose(together, alone, atol=1e-4)
