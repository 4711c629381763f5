"""AAM as it is, in plain PyTorch: what benchmarks/model.py compares with.

Written from a description of the model. Every sample is padded to `token_limit` ASVs and every ASV
to `max_bp` + 1 tokens, an ASV is encoded anew wherever it occurs, ASVs go in chunks of 256 slots,
every stack is one checkpoint in training. Names of parameters are AAM's, so its golden files load;
`check_golden` compares outputs, losses and gradients with them.
"""

import json
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

CHUNK = 256


class Positions(nn.Module):
    def __init__(self, length: int, dim: int) -> None:
        super().__init__()
        self.position_embedding = nn.Embedding(length, dim)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.position_embedding.weight[: x.shape[1]]


class Pooling(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.query, self.norm = nn.Linear(dim, 1, bias=False), nn.LayerNorm(dim)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        scores = self.query(x).squeeze(-1) / x.shape[-1] ** 0.5
        scores = scores.masked_fill(mask == 0, float("-inf")).masked_fill(
            ~mask.any(1, keepdim=True), 0.0
        )
        weights = scores.softmax(-1) * mask
        weights = weights / (weights.sum(-1, keepdim=True) + 1e-8)
        return self.norm((x * weights.unsqueeze(-1)).sum(1))


class Stack(nn.Module):
    def __init__(self, layers: int, heads: int, dim: int, dropout: float) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(
            dim, heads, 4 * dim, dropout, "gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(dim, eps=1e-6)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        def run(x: Tensor) -> Tensor:
            return self.norm(self.encoder(x, src_key_padding_mask=~mask))

        return checkpoint(run, x, use_reentrant=False) if self.training else run(x)


class ASVEncoder(nn.Module):
    def __init__(self, c: dict) -> None:
        super().__init__()
        dim = c["embedding_dim"]
        self.mask_ratio = c.get("nuc_mask_ratio", 0.15)
        self.token_embedding = nn.Embedding(c["vocab_size"], dim)
        self.position_embedding = Positions(c["max_bp"] + 1, dim)
        self.transformer = Stack(c["asv_num_layers"], c["asv_num_heads"], dim, c["asv_dropout"])
        self.attention_pooling = Pooling(dim)
        self.nucleotide_head = nn.Linear(dim, c["vocab_size"])

    def chunk(self, tokens: Tensor, nucleotides: bool) -> tuple[Tensor, Tensor | None]:
        rows = tokens.flatten(0, 1)
        mask = rows > 0
        x = self.position_embedding(self.token_embedding(rows))
        real = mask.any(1)
        states = torch.zeros_like(x)
        if real.any():
            states[real] = self.transformer(x[real], mask[real])
        pooled = self.attention_pooling(states, mask).unflatten(0, tokens.shape[:2])
        return pooled, self.nucleotide_head(states).unflatten(
            0, tokens.shape[:2]
        ) if nucleotides else None

    def forward(
        self, tokens: Tensor, nucleotides: bool
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        hidden = None
        if self.training and nucleotides and self.mask_ratio > 0:
            hidden = (torch.rand(tokens.shape) < self.mask_ratio) & (tokens >= 1) & (tokens <= 4)
            tokens = tokens.masked_fill(hidden, 6)
        parts = [self.chunk(part, nucleotides) for part in tokens.split(CHUNK, 1)]
        logits = torch.cat([part[1] for part in parts], 1) if nucleotides else None
        return torch.cat([part[0] for part in parts], 1), logits, hidden


class SampleEncoder(nn.Module):
    def __init__(self, c: dict) -> None:
        super().__init__()
        dim = c["embedding_dim"]
        self.asv_encoder = ASVEncoder(c)
        self.sample_position_embedding = Positions(c["token_limit"] + 5, dim)
        self.sample_transformer = Stack(
            c["sample_num_layers"], c["sample_num_heads"], dim, c["sample_dropout"]
        )


class Encoder(nn.Module):
    """Tokens [B, S, L] -> outputs by AAM's keys."""

    def __init__(self, c: dict) -> None:
        super().__init__()
        self.sample_encoder = SampleEncoder(c)
        self.encoder_transformer = Stack(
            c["encoder_num_layers"],
            c["encoder_num_heads"],
            c["embedding_dim"],
            c["encoder_dropout"],
        )
        self.attention_pooling = Pooling(c["embedding_dim"])

    def forward(self, tokens: Tensor, nucleotides: bool) -> dict[str, Tensor]:
        part = self.sample_encoder
        mask = tokens.sum(-1) > 0
        asvs, logits, hidden = part.asv_encoder(tokens, nucleotides)
        x = part.sample_position_embedding(asvs.nan_to_num() * mask.unsqueeze(-1))
        samples = part.sample_transformer(x, mask).nan_to_num() * mask.unsqueeze(-1)
        out = {"sample_embeddings": samples}
        out["embeddings"] = self.attention_pooling(self.encoder_transformer(samples, mask), mask)
        if logits is not None:
            out["nuc_predictions"] = logits
        if hidden is not None:
            out["mask_indices"] = hidden
        return out


class Predictor(nn.Module):
    """An encoder with AAM's count branch and target branch."""

    def __init__(self, c: dict) -> None:
        super().__init__()
        dim = c["embedding_dim"]
        self.base_model = Encoder(c)
        self.count_encoder = Stack(
            c["count_num_layers"], c["count_num_heads"], dim, c["count_dropout"]
        )
        self.count_head = nn.Linear(dim, 1)
        self.target_encoder = Stack(
            c["target_num_layers"], c["target_num_heads"], dim, c["target_dropout"]
        )
        self.target_pooling, self.target_norm = Pooling(dim), nn.LayerNorm(dim)
        self.target_head = nn.Linear(dim, 1)

    def forward(self, tokens: Tensor, nucleotides: bool) -> dict[str, Tensor]:
        mask = tokens.sum(-1) > 0
        out = self.base_model(tokens, nucleotides)
        base = out["base_embeddings"] = out.pop("sample_embeddings")
        out["count_prediction"] = self.count_head(self.count_encoder(base, mask)).sigmoid()
        pooled = self.target_norm(self.target_pooling(self.target_encoder(base, mask), mask))
        out["target_prediction"] = self.target_head(pooled)
        return out


def total_loss(
    out: dict[str, Tensor], batch: dict[str, Tensor], weights: dict[str, float]
) -> Tensor:
    """The sum of AAM's loss terms (Huber, count, UniFrac, nucleotides) that the outputs allow."""
    tokens = batch["tokens"]
    z, total = out["embeddings"], tokens.new_zeros((), dtype=torch.float32)
    apart = (z.unsqueeze(0) - z.unsqueeze(1)).square().sum(-1).clamp_min(1e-8).sqrt()
    upper = torch.ones_like(apart, dtype=torch.bool).triu(1)
    total = total + weights["penalty"] * F.mse_loss(
        torch.tanh(apart / 10)[upper], batch["base_target"][upper]
    )
    if "target_prediction" in out:
        total = total + weights["target_penalty"] * F.smooth_l1_loss(
            out["target_prediction"], batch["target"]
        )
        real = (tokens.sum(-1) > 0).unsqueeze(-1)
        squares = (out["count_prediction"] - batch["counts"]).square() * real
        total = total + weights["count_penalty"] * squares.sum() / real.sum()
    if "nuc_predictions" in out:
        where = tokens > 0 if "mask_indices" not in out else out["mask_indices"]
        total = total + weights["nuc_penalty"] * F.cross_entropy(
            out["nuc_predictions"][where], tokens[where]
        )
    return total


def check_golden(folder: Path) -> dict[str, float]:
    """Largest differences from AAM's own outputs, total losses and (relative to the tensor)
    gradients."""
    worst = {"output": 0.0, "loss": 0.0, "gradient": 0.0}
    for name in ("pretrain_unifrac", "regression_huber"):
        with safe_open(folder / f"{name}.safetensors", "pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (a file is no dict)
            about = {key: json.loads(value) for key, value in file.metadata().items()}
        parts: dict[str, dict[str, Tensor]] = {}
        for key, tensor in tensors.items():
            part, _, rest = key.partition(".")
            parts.setdefault(part, {})[rest] = tensor
        kind = Encoder if about["model"]["class"] == "SequenceEncoder" else Predictor
        model = kind({**about["model"], "nuc_mask_ratio": 0.0}).train()
        model.load_state_dict(parts["weight"])
        out = model(parts["input"]["tokens"], True)
        for key, expected in parts["output"].items():
            worst["output"] = max(worst["output"], (out[key] - expected).abs().max().item())
        loss = total_loss(out, parts["input"], about["loss"])
        worst["loss"] = max(worst["loss"], (loss - parts["loss"]["total_loss"]).abs().item())
        loss.backward()
        for key, expected in parts["grad"].items():
            got = model.get_parameter(key).grad
            if got is None:
                raise SystemExit(f"{name}: no gradient of {key}")
            apart = ((got - expected).abs().max() - 2e-8).clamp_min(
                0
            ) / expected.abs().max().clamp_min(1e-12)
            worst["gradient"] = max(worst["gradient"], apart.item())
    if worst["output"] > 2e-6 or worst["loss"] > 2e-6 or worst["gradient"] > 2e-5:
        raise SystemExit(f"the plain formulation is not AAM: differences {worst}")
    return worst
