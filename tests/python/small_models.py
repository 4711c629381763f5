"""A small model, and its inputs, for tests."""

import torch

SMALL = dict(
    embedding_dim=16, max_bp=20, token_limit=7, asv_num_heads=2, sample_num_heads=2,
    encoder_num_heads=2, count_num_heads=2, target_num_heads=2,
)  # fmt: skip


def small_tokens(seed=0, batch=3, asvs=5, length=12):
    """Padded tokens [B, S, L] with START, padded tails, padded slots and repeated ASVs."""
    generator = torch.Generator().manual_seed(seed)
    pool = torch.randint(1, 5, (4, length), generator=generator)
    pool[:, 0] = 5
    pool[1, length // 2 :] = 0
    pool[2, 3] = 0
    tokens = pool[torch.randint(4, (batch, asvs), generator=generator)]
    tokens[0, asvs // 2 :] = 0
    return tokens
