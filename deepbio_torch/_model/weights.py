"""Trained weights into models: run directories, and checkpoints of AAM's PyTorch port."""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import Tensor

from .. import _library
from ..errors import ConfigError, MissingFileError
from .config import ModelConfig
from .run_files import require_files, run_config, run_path

Build: TypeAlias = Callable[[ModelConfig, bool], Any]  # a model, which is a predictor or not

# What wrappers put before the names of parameters: DataParallel and DDP, torch.compile.
_WRAPPERS = ("module.", "_orig_mod.")


def model_of_run(run: str | Path, build: Build) -> Any:
    """As :func:`deepbio_torch.models.from_pretrained`."""
    run = run_path(run)
    require_files(run, "config.json", "model.safetensors")
    options = run_config(run)
    model = build(ModelConfig.from_dict(options["model"]), options.get("kind", "train") == "train")
    return _filled(model, _read_tensors(run / "model.safetensors"))


def model_of_aam(path: str | Path, build: Build, options: Mapping[str, Any]) -> Any:
    """As :func:`deepbio_torch.models.load_aam`."""
    path = Path(path)
    if not path.is_file():
        raise MissingFileError(f"{path}: no such file; expected an AAM checkpoint", str(path))
    if path.suffix == ".safetensors":
        content: Mapping[str, Any] = _read_tensors(path)
    else:
        content = torch.load(path, map_location="cpu", weights_only=True)
    tensors = {
        _unwrapped(k): v
        for k, v in content.get("model_state_dict", content).items()
        if isinstance(v, Tensor)
    }
    stored = content.get("config") or {}
    known = set(ModelConfig().to_dict())
    told = {k: v for k, v in stored.items() if k in known} if isinstance(stored, Mapping) else {}
    is_predictor = any(name.startswith("base_model.") for name in tensors)
    merged = {**told, **_inferred(tensors, is_predictor), **options}
    if merged.get("num_quantiles") and "out_dim" not in options:
        merged["out_dim"] //= merged["num_quantiles"]
    config = ModelConfig.from_dict(merged)
    return _filled(build(config, is_predictor), tensors)


def _filled(model: Any, tensors: Mapping[str, Tensor]) -> Any:
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise ConfigError(" ".join(str(error).split())) from None
    return model.eval()


def _unwrapped(name: str) -> str:
    while name.startswith(_WRAPPERS):
        name = name.split(".", 1)[1]
    return name


def _read_tensors(path: Path) -> dict[str, Tensor]:
    reader = _library.extension()
    if reader is not None and hasattr(reader, "load_tensors"):
        return dict(reader.load_tensors(str(path)))
    from safetensors.torch import load_file

    return load_file(path)


def _inferred(tensors: Mapping[str, Tensor], is_predictor: bool) -> dict[str, Any]:
    """The options that the shapes of the weights tell."""
    base = "base_model." if is_predictor else ""
    asv = f"{base}sample_encoder.asv_encoder."
    try:
        vocab_size, dim = tensors[f"{asv}token_embedding.weight"].shape
        out: dict[str, Any] = {
            "vocab_size": vocab_size,
            "embedding_dim": dim,
            "max_bp": len(tensors[f"{asv}position_embedding.position_embedding.weight"]) - 1,
            "token_limit": len(
                tensors[f"{base}sample_encoder.sample_position_embedding.position_embedding.weight"]
            )
            - 5,
        }
    except KeyError as error:
        raise ConfigError(
            f"AAM checkpoint: expected a weight named {error.args[0]}, got none of that name"
        ) from None
    stacks = {
        "asv": f"{asv}transformer.",
        "sample": f"{base}sample_encoder.sample_transformer.",
        "encoder": f"{base}encoder_transformer.",
        "count": "count_encoder.",
        "target": "target_encoder.",
    }
    for name, prefix in stacks.items():
        layers = [
            key
            for key in tensors
            if key.startswith(f"{prefix}encoder.layers.") and key.endswith("linear1.bias")
        ]
        if layers:
            out[f"{name}_num_layers"] = len(layers)
            out[f"{name}_intermediate_size"] = len(tensors[layers[0]])
    out["predict_nucleotides"] = f"{asv}nucleotide_head.weight" in tensors
    if vocab_size < 7:
        out["nuc_mask_ratio"] = 0.0
    out.update(_inferred_counts(tensors, f"{base}sample_encoder."))
    head = tensors.get(f"{base}output_head.bias")
    if f"{base}uni_ff.weight" in tensors:
        out["encoder_type"] = "combined"
    elif head is not None:
        out.update(
            encoder_type="faith_pd" if len(head) == 1 else "taxonomy", base_output_dim=len(head)
        )
    return {**out, **_inferred_predictor(tensors)} if is_predictor else out


def _inferred_counts(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Any]:
    for method, name in (("film", "count_film"), ("concat", "count_proj"), ("add", "count_embed")):
        if f"{prefix}{name}.weight" in tensors:
            return {"count_embedding": True, "count_embedding_method": method}
    return {}


def _inferred_predictor(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    out: dict[str, Any] = {
        "count_prediction": "count_head.weight" in tensors,
        "target_layer_norm": "target_norm.weight" in tensors,
        "learnable_output_scale": "output_scale" in tensors,
        "residual_regression_head": "target_head.skip.weight" in tensors,
    }
    numbers = sorted(
        int(m[1]) for k in tensors if (m := re.fullmatch(r"target_head\.(?:mlp\.)?(\d+)\.bias", k))
    )
    prefix = "target_head.mlp." if out["residual_regression_head"] else "target_head."
    if numbers:
        out["regressor_hidden_dims"] = [len(tensors[f"{prefix}{n}.bias"]) for n in numbers[:-1]]
        if numbers[1] == 3:  # Linear, ReLU, Dropout, Linear: the rate itself is not in the weights
            out["regressor_dropout"] = 0.1
    out["out_dim"] = len(tensors[f"{prefix}{numbers[-1]}.bias" if numbers else "target_head.bias"])
    tables = {
        m[1]: t
        for k, t in tensors.items()
        if (m := re.fullmatch(r"categorical_embedder\.embeddings\.(.+)\.weight", k))
    }
    if tables:
        out["categorical_cardinalities"] = {column: len(table) for column, table in tables.items()}
        width = out["categorical_embed_dim"] = next(iter(tables.values())).shape[1]
        projection = tensors.get("categorical_projection.weight")
        if projection is not None:
            out["categorical_fusion"] = (
                "add" if projection.shape[1] == width * len(tables) else "concat"
            )
        else:
            parts = {"gmu.gate.weight": "gmu", "perceiver_fusion.latents": "perceiver"}
            out["categorical_fusion"] = next(
                (v for k, v in parts.items() if k in tensors), "cross-attention"
            )
        if "perceiver_fusion.latents" in tensors:
            layers = {
                m[1]
                for k in tensors
                if (m := re.match(r"perceiver_fusion\.self_attn_layers\.(\d+)\.", k))
            }
            out.update(
                perceiver_num_latents=len(tensors["perceiver_fusion.latents"]),
                perceiver_num_layers=len(layers),
            )
    scaled = [m[1] for k in tensors if (m := re.fullmatch(r"output_scales\.(.+)\.weight", k))]
    return {**out, "conditional_scaling_columns": scaled} if scaled else out
