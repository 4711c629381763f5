"""What datasets do, for who asks.

Logging's "deepbio_torch", shown when DEEPBIO_LOG names a level ("debug", "info").
"""

import logging
import os

logger = logging.getLogger("deepbio_torch")


def _show(level: str) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s: %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(level.upper())


if os.environ.get("DEEPBIO_LOG"):
    try:
        _show(os.environ["DEEPBIO_LOG"])
    except ValueError:
        _show("debug")
