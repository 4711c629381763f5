"""Covariates of samples: which values of a column are known."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ..errors import ArgumentError


def seen_values(
    values: Mapping[str, Sequence[str]], ids: Mapping[str, Tensor]
) -> tuple[str, dict[str, Tensor]]:
    """The values by column that these samples have, and by column the new number of an old one.

    The values come as JSON text.
    """
    kept, numbers = {}, {}
    for column, names in values.items():
        old = sorted(set(ids[column].tolist()) - {0})
        if not old:
            raise ArgumentError(f"categorical: no training sample has a value of column {column!r}")
        kept[column] = [names[i - 1] for i in old]
        numbers[column] = torch.zeros(len(names) + 1, dtype=torch.int64)
        numbers[column][old] = torch.arange(1, len(old) + 1)
    return json.dumps(kept), numbers
