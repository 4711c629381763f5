"""Any program, run to its end."""

import os
import subprocess


def run(*command: object, **options: object) -> str:
    """What it printed; the test fails with its words where it failed."""
    options = {
        "env": {**os.environ, "HF_HUB_OFFLINE": "1"},
        **options,
    }  # an example that needs a network fails
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=900, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
