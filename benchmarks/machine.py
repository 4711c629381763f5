"""What a timing was taken on, as it stands in the JSON of every benchmark."""

import os
import platform
from pathlib import Path


def machine() -> dict[str, object]:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return {
        "cpu": next(
            (line.split(":")[1].strip() for line in lines if line.startswith("model name")),
            platform.machine(),
        ),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
    }
