"""Options of the model family.

A dataclass whose fields are the rows of C++ (``csrc/deepbio/model/config``).

``_model/config.pyi`` says the same to type checkers; docs/make_options.py writes it.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from typing import Any

from .. import _C, _options

_ROWS = _options.rows("model")
_DOC = """Options of the model family; names and defaults are those of AAM's constructors.

docs/options.md lists them. The constructor checks names, :meth:`check` (called by every model)
values too, with a :class:`ConfigError`.
"""


class _Config:
    """What does not depend on which options there are."""

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)  # type: ignore[call-overload, no-any-return]

    @classmethod
    def from_dict(cls, options: Mapping[str, Any]) -> Any:
        return cls(**_C.model_config(_options.renamed(_ROWS, options)))

    def check(self) -> Any:
        return self.from_dict(self.to_dict())

    @property
    def is_plain(self) -> bool:
        """Whether a prediction is AAM's alone, without members, histogram or mixture."""
        c: Any = self
        return bool(
            c.transformer_branch and not (c.num_known_asvs or c.sequence_branch or c.num_bins)
        )


def _init(self: Any, **options: Any) -> None:
    given = _options.renamed(_ROWS, options)
    known = {name: row for row in _ROWS for name in (row.name, *row.other_names)}
    for name in given.keys() - known:
        _C.model_config({name: None})  # says which name is near
    values = {row.name: copy.copy(row.default) for row in _ROWS if not row.sets}
    named = {known[name].name: value for name, value in given.items()}
    for row in _ROWS:
        if row.sets and named.get(row.name) is not None:
            values.update(dict.fromkeys(row.sets, named[row.name]))
    values.update({name: value for name, value in named.items() if name in values})
    for name, value in values.items():
        setattr(self, name, value)


def _alias(name: str) -> property:
    """Reads and writes the option under another name of it."""
    # A plain function, which torch.compile can look into.
    return property(
        lambda self: getattr(self, name),
        lambda self, value: setattr(self, name, value),
        None,
        f"As ``{name}``.",
    )


ModelConfig = dataclasses.make_dataclass(
    "ModelConfig",
    [(row.name, row.type) for row in _ROWS if not row.sets],
    bases=(_Config,),
    init=False,
    namespace={
        "__doc__": _DOC,
        "__module__": __name__,
        "__init__": _init,
        **{
            other: _alias(row.name) for row in _ROWS for other in (*row.other_names, *row.old_names)
        },
    },
)
_options.document(ModelConfig, "model")
