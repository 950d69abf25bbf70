"""Several short rows in one sequence, kept apart by their positions.

TRL's own packing flattens a batch to (1, B*T), which without flash-attention costs one (B*T)² mask. Here
rows stay (B, T): positions restart at 0 for each document and no attention mask is passed, from which
Transformers builds a block-diagonal mask per row.
"""


def pack(dataset, length: int, seed: int):
    """``dataset`` (input_ids, labels) in sequences of at most ``length`` tokens, each document whole.

    Best-fit decreasing: rows come back with ``seq_lengths``, the length of each document in the sequence.
    """
    from trl.data_utils import pack_dataset

    return pack_dataset(dataset.shuffle(seed=seed), length, "bfd")


class PackedCollator:
    """Rows to a batch: input_ids, labels, position_ids, each (B, T) int64.

    The first token of each document is never a target: the token before it belongs to another document.
    """

    def __init__(self, pad_token_id: int):
        self.pad_token_id = pad_token_id

    def __call__(self, rows: list[dict]) -> dict:
        import torch

        lengths = [row.get("seq_lengths") or [len(row["input_ids"])] for row in rows]
        width = max(len(row["input_ids"]) for row in rows)
        ids = torch.full((len(rows), width), self.pad_token_id)
        labels = torch.full((len(rows), width), -100)
        positions = torch.zeros(len(rows), width, dtype=torch.long)
        for i, row in enumerate(rows):
            n = len(row["input_ids"])
            ids[i, :n] = torch.tensor(row["input_ids"])
            labels[i, :n] = torch.tensor(row["labels"])
            positions[i, :n] = torch.cat([torch.arange(k) for k in lengths[i]])
            positions[i, n:] = torch.arange(width - n)
        labels[positions == 0] = -100
        return {"input_ids": ids, "labels": labels, "position_ids": positions}
