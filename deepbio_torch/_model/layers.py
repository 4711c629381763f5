"""Building blocks of the models: parameters under AAM's names, arithmetic in ``torch.ops.deepbio``.

Axes: R rows, T positions, D embedding, U distinct ASVs, L positions of an ASV, B samples, S ASVs
of a sample, V vocabulary. Masks are bool, True = real. The C++ twin is
``csrc/deepbio/model/layers``.
"""

# Results of modules and operators are Any to mypy.
# mypy: disable-error-code="no-any-return, no-untyped-call"

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from .. import _C, _library
from ..errors import ArgumentError, ShapeError
from .config import ModelConfig

_library.load()
_ops = torch.ops.deepbio
ACTIVATIONS = {"gelu": 0, "gelu_tanh": 1, "relu": 2}


@dataclass(frozen=True)
class Stack:
    """Options of one transformer stack, cut out of a ModelConfig."""

    num_layers: int
    num_heads: int
    dim: int
    width: int
    dropout: float
    activation: int

    @staticmethod
    def of(config: ModelConfig, name: str) -> Stack:
        def option(key: str) -> Any:
            return getattr(config, f"{name}_{key}")

        dim = config.embedding_dim
        return Stack(
            option("num_layers"),
            option("num_heads"),
            dim,
            option("intermediate_size") or 4 * dim,
            option("dropout"),
            ACTIVATIONS[config.activation],
        )


class SelfAttention(nn.Module):
    """Parameters of multi-head attention under torch's names; EncoderLayer computes with them."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.in_proj_weight = nn.Parameter(torch.zeros(3 * dim, dim))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * dim))
        self.out_proj = nn.Linear(dim, dim)

    def weights(self) -> list[Tensor]:
        """Its tensors in the order in which operators take them."""
        return [self.in_proj_weight, self.in_proj_bias, self.out_proj.weight, self.out_proj.bias]


# Where a layer has its weights, in the order of kLayerWeights (csrc/deepbio/model/functional.h).
_WEIGHTS = [name.split(".") for name in _C.encoder_layer_weights()]


def _parameter(module: nn.Module, path: list[str]) -> Tensor:
    """What ``get_parameter`` gives, or what is in a parameter's place (parametrizations)."""
    value: Any = module
    for name in path:
        value = getattr(value, name)
    return cast("Tensor", value)


class EncoderLayer(nn.Module):
    """Pre-norm encoder layer.

    Equal to ``torch.nn.TransformerEncoderLayer(norm_first=True, batch_first=True)``.
    """

    def __init__(self, stack: Stack) -> None:
        super().__init__()
        self.stack = stack
        self.self_attn = SelfAttention(stack.dim)
        self.linear1 = nn.Linear(stack.dim, stack.width)
        self.linear2 = nn.Linear(stack.width, stack.dim)
        self.norm1 = nn.LayerNorm(stack.dim)
        self.norm2 = nn.LayerNorm(stack.dim)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """``x`` [R, T, D], ``mask`` bool [R, T] -> [R, T, D]."""
        stack = self.stack
        return _ops.encoder_layer.weights(
            x, mask, self.weights(), stack.num_heads, stack.activation, stack.dropout, self.training
        )

    def weights(self) -> list[Tensor]:
        """Its tensors in the order in which operators take them."""
        return [_parameter(self, path) for path in _WEIGHTS]


class _Layers(nn.Module):
    def __init__(self, stack: Stack) -> None:
        super().__init__()
        self.layers = nn.ModuleList(EncoderLayer(stack) for _ in range(stack.num_layers))


class TransformerEncoder(nn.Module):
    """Encoder layers and a final LayerNorm (eps 1e-6).

    The layers are computed as one by ``torch.ops.deepbio.encoder_stack``, and one after the other
    where each has to be seen: in an export, and when a layer carries a hook or was replaced.
    """

    def __init__(self, stack: Stack) -> None:
        super().__init__()
        self.stack = stack
        self.encoder = _Layers(stack)
        self.norm = nn.LayerNorm(stack.dim, eps=1e-6)

    def forward(self, x: Tensor, mask: Tensor | None = None, skip_padding: bool = False) -> Tensor:
        """``x`` [R, T, D], ``mask`` bool [R, T] -> [R, T, D].

        With ``skip_padding`` rows under padding hold any number, and cost nothing at the end of a
        sequence.
        """
        layers = cast("list[EncoderLayer]", list(self.encoder.layers))
        if _are_one(layers):
            stack, weights = self.stack, [weight for layer in layers for weight in layer.weights()]
            training = layers[0].training
            x = _ops.encoder_stack(
                x,
                mask,
                weights,
                stack.num_heads,
                stack.activation,
                stack.dropout,
                training,
                None,
                skip_padding,
            )
        else:
            for layer in layers:
                x = layer(x, mask)
        return self.norm(x)


def _are_one(layers: list[EncoderLayer]) -> bool:
    """Whether nothing has to happen between the layers."""
    if torch.compiler.is_exporting() or torch.jit.is_tracing() or not layers:  # type: ignore[attr-defined]
        return False
    return all(
        type(layer) is EncoderLayer
        and layer.training == layers[0].training
        and not (layer._forward_hooks or layer._forward_pre_hooks)
        and not (layer._backward_hooks or layer._backward_pre_hooks)
        for layer in layers
    )


class PositionEmbedding(nn.Module):
    """Learned positions, added: ``x`` [R, T, D] -> [R, T, D]."""

    def __init__(self, num_positions: int, dim: int) -> None:
        super().__init__()
        self.position_embedding = nn.Embedding(num_positions, dim)

    def forward(self, x: Tensor) -> Tensor:
        return _ops.add_positions(x, self.position_embedding.weight)


class AttentionPooling(nn.Module):
    """Softmax-weighted mean over real positions, then LayerNorm.

    ``x`` [R, T, D], ``mask`` [R, T] -> [R, D].
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.query = nn.Linear(dim, 1, bias=False)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return _ops.attention_pool(x, mask, self.query.weight, self.norm.weight, self.norm.bias)


class ResidualHead(nn.Module):
    """``skip(x) + mlp(x)``."""

    def __init__(self, skip: nn.Module, mlp: nn.Module) -> None:
        super().__init__()
        self.skip, self.mlp = skip, mlp

    def forward(self, x: Tensor) -> Tensor:
        return self.mlp(x) + self.skip(x)


class AbundancePooling(nn.Module):
    """What the head sees of a sample as a whole: its mean ASV embedding, weighted by ln(count + 1).

    ``asv_embeddings`` [U, D], ``asv_index``, ``mask`` and ``counts`` [B, S] -> [B, D].
    ``scale`` and ``shift`` are fitted to the training samples when training starts, so that each
    axis begins with mean 0 and deviation 1.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.scale, self.shift = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))
        self.projection = nn.Linear(dim, dim)

    def forward(
        self, asv_embeddings: Tensor, asv_index: Tensor, mask: Tensor, counts: Tensor | None
    ) -> Tensor:
        if counts is None:
            raise ArgumentError(
                "counts: this model pools by abundance (abundance_pooling), got none"
            )
        pooled = _ops.pool_by_abundance(asv_embeddings, asv_index, mask, counts)
        return self.projection(pooled * self.scale + self.shift)


class MemberNets(nn.Module):
    """A branch: E small networks side by side on one vector per sample, averaged by the mixture.

    ``x`` [B, I], ``categories`` [B, C] or None -> [E, B, O]. Inputs become (x - shift) * scale; the
    head starts at zero. The C++ twin is ``csrc/deepbio/model/members``.
    """

    shift: Tensor
    scale: Tensor

    def __init__(
        self,
        members: int,
        inputs: int,
        categories: int,
        hidden: int,
        outputs: int,
        *,
        dropouts: tuple[float, float],
    ) -> None:
        super().__init__()
        self.categories, (self.input_dropout, self.dropout) = categories, dropouts
        shapes = {
            "weight": (members, inputs + categories, hidden),
            "bias": (members, hidden),
            "norm_weight": (members, hidden),
            "norm_bias": (members, hidden),
            "head_weight": (members, hidden, outputs),
            "head_bias": (members, outputs),
        }
        for name, shape in shapes.items():
            self.register_parameter(name, nn.Parameter(torch.zeros(shape)))
        self.register_buffer("shift", torch.zeros(inputs))
        self.register_buffer("scale", torch.ones(inputs))

    def forward(self, x: Tensor, categories: Tensor | None) -> Tensor:
        x = (x - self.shift) * self.scale
        if self.categories:
            # Covariates that are not given are unknown, whose embedding is zero.
            known = x.new_zeros(self.categories) if categories is None else categories
            x = torch.cat([x, known.expand(x.shape[0], self.categories)], 1)
        return _ops.member_nets(
            x, self.weight, self.bias, self.norm_weight, self.norm_bias, self.head_weight,
            self.head_bias, self.input_dropout, self.dropout, self.training,
        )  # fmt: skip


class KnownAsvs(nn.Module):
    """The ASVs known from training, by 64 bits made of their tokens.

    ``identities`` int64 [K], rising.

    ``asv_tokens`` [U, L] -> the column of each int64 [U], K for an unknown one.
    """

    keys: Tensor
    identities: Tensor

    def __init__(self, num_known: int, max_bp: int) -> None:
        super().__init__()
        self.register_buffer("keys", _ops.asv_keys(max_bp + 1))
        self.register_buffer("identities", torch.arange(num_known))

    def forward(self, asv_tokens: Tensor) -> Tensor:
        require_length("asv_tokens", asv_tokens, 2, len(self.keys), "max_bp + 1")
        return _ops.known_columns(_ops.asv_identity(asv_tokens, self.keys), self.identities)


class Mixture(nn.Module):
    """What makes one answer of M members.

    ``weight`` and ``temperature`` [M], fitted to held-out training samples.

    ``class_bias`` [O] is added to log-probabilities where a class is chosen; ``bin_edges``
    [num_bins + 1] are those of a histogram, in the model's unit of the target.
    """

    weight: Tensor
    temperature: Tensor
    class_bias: Tensor
    bin_edges: Tensor

    def __init__(self, config: ModelConfig, num_members: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.full((num_members,), 1 / num_members))
        self.register_buffer("temperature", torch.ones(num_members))
        if config.is_classifier:
            self.register_buffer("class_bias", torch.zeros(config.out_dim))
        if config.num_bins:
            self.register_buffer(
                "bin_edges", torch.arange(config.num_bins + 1, dtype=torch.float32)
            )


def target_head(config: ModelConfig, num_outputs: int) -> nn.Module:
    width = config.embedding_dim
    if not config.regressor_hidden_dims:
        return nn.Linear(width, num_outputs)
    layers: list[nn.Module] = []
    for hidden in config.regressor_hidden_dims:
        layers += [nn.Linear(width, hidden), nn.ReLU()]
        if config.regressor_dropout > 0:
            layers.append(nn.Dropout(config.regressor_dropout))
        width = hidden
    mlp = nn.Sequential(*layers, nn.Linear(width, num_outputs))
    return (
        ResidualHead(nn.Linear(config.embedding_dim, num_outputs), mlp)
        if config.residual_regression_head
        else mlp
    )


def require_length(name: str, x: Tensor, num_axes: int, limit: int, option: str) -> None:
    """A ShapeError that names the option to change; nothing while a graph is captured."""
    if torch.compiler.is_compiling():
        return
    if x.dim() != num_axes or x.shape[-1] > limit:
        raise ShapeError(
            f"{name}: expected {num_axes} axes, the last at most {option} = {limit}, got "
            f"{list(x.shape)}"
        )
