"""A tokenizer in a folder, as Hugging Face's libraries keep theirs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .._output import write_text
from .vocabulary import ROLES


def save_tokenizer(tokenizer: Any, folder: str | os.PathLike[str]) -> tuple[str, ...]:
    """See :meth:`Tokenizer.save_pretrained`."""
    kind, options = tokenizer.source
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    about = {
        "padding_side": tokenizer.padding_side,
        "model_max_length": tokenizer.model_max_length,
        **tokenizer.special_tokens_map,
        "deepbio": {
            "kind": kind,
            "options": {key: value for key, value in options.items() if key != "json"},
        },
    }
    written = {"tokenizer_config.json": json.dumps(about, indent=1) + "\n"}
    if kind == "json":
        written["tokenizer.json"] = options["json"]
    else:
        written["vocab.txt"] = "".join(f"{token}\n" for token in tokenizer.native().tokens)
    for name, text in written.items():
        write_text(target / name, text)
    return tuple(os.fspath(target / name) for name in written)


def load_tokenizer(kind: Any, folder: str | os.PathLike[str]) -> Any:
    """See :meth:`Tokenizer.from_pretrained`."""
    source, file = Path(folder) / "tokenizer_config.json", Path(folder) / "tokenizer.json"
    about = json.loads(source.read_text(encoding="utf-8")) if source.exists() else {}
    known = about.get("deepbio")
    if known is None:
        roles = {f"{role}_token": about.get(f"{role}_token") for role in ROLES}
        named = {key: value for key, value in roles.items() if isinstance(value, str)}
        return kind.from_file(file, padding_side=about.get("padding_side"), **named)
    options = dict(known["options"])
    if known["kind"] == "json":
        options |= {"json": file.read_text(encoding="utf-8"), "path": os.fspath(file)}
    made = kind.from_source(known["kind"], options)
    made.padding_side, made.model_max_length = about["padding_side"], about["model_max_length"]
    return made


def options_of(padding_side: str | None, special_tokens: Mapping[str, str]) -> dict[str, Any]:
    """What C++ takes of the keywords of a tokenizer."""
    roles = {}
    for name, token in special_tokens.items():
        role = name.removesuffix("_token")
        if role not in ROLES or role == name:
            raise TypeError(
                f"unexpected keyword argument {name!r}; expected "
                f"{', '.join(f'{r}_token' for r in ROLES)}"
            )
        roles[role] = token
    return {"roles": roles, "padding_side": padding_side or ""}
