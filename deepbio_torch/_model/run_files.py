"""The files of a run directory as Python reads them, without the C++ library."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ..errors import ConfigError, MissingFileError, WrongTypeError


def run_path(run: str | os.PathLike[str]) -> Path:
    """The folder of a run.

    Raises:
        WrongTypeError: no path.
    """
    if not isinstance(run, str | os.PathLike):
        raise WrongTypeError(f"run: expected the path of a run directory, got {type(run).__name__}")
    return Path(run)


def require_files(run: Path, *names: str) -> None:
    """Refuses a folder that lacks one of these.

    Raises:
        MissingFileError: whose filename is the folder, or the file that is not in it.
    """
    for name in names:
        if not (run / name).is_file():
            lost = str(run / name if run.exists() else run)
            raise MissingFileError(
                f"{lost}: no such file or directory; expected a run directory with "
                f"{' and '.join(names)}",
                lost,
            )


def run_config(run: Path) -> dict[str, Any]:
    """What ``config.json`` of a run says.

    Raises:
        MissingFileError: no run directory. ConfigError: the file is damaged.
    """
    require_files(run, "config.json")
    path = run / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(config, dict) and isinstance(config.get("model"), dict):
            return config
        problem = "no object with a model"
    except ValueError as error:  # JSON and UTF-8
        problem = str(error)
    raise ConfigError(f"{path}: expected the config of a run, got {problem}")
