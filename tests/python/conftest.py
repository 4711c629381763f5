"""Fixtures: the real command, the shared data, a small simulated community, and no random state
between tests."""

import os
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Programs that tests start see the installed package, not the source tree they may be started in.
os.environ["PYTHONSAFEPATH"] = "1"


@pytest.fixture(scope="session")
def binary() -> str:
    """The `deepbio` executable: DEEPBIO_BINARY, or the installed command."""
    found = os.environ.get("DEEPBIO_BINARY") or shutil.which("deepbio")
    assert found, "no `deepbio` on PATH: run `make setup` first, or set DEEPBIO_BINARY"
    return found


@pytest.fixture(scope="session")
def deepbio(binary: str) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the command; check=True fails the test with its stderr when it does not exit 0."""

    def run(
        *args: object, check: bool = False, timeout: float = 600, **options: object
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [binary, *map(str, args)], capture_output=True, text=True, timeout=timeout, **options
        )
        assert not check or done.returncode == 0, (
            f"deepbio {' '.join(map(str, args))}\n{done.stderr}"
        )
        return done

    return run


@pytest.fixture(scope="session")
def shared() -> Path:
    """The data folder of ../shared; the test is skipped, saying so, where it is absent."""
    path = ROOT.parent / "shared" / "data"
    if not path.is_dir():
        pytest.skip("no ../shared/data beside this checkout")
    return path


@pytest.fixture(scope="session")
def moving_pictures(shared: Path) -> Path:
    """34 samples of four body sites: table, tree, metadata, distances as ssu computes them."""
    return shared / "microbiome" / "moving_pictures"


@pytest.fixture(scope="session")
def community_dir(
    deepbio: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A small simulated community: table.biom, tree.nwk, metadata.tsv, sequences.fasta, reads/."""
    path = tmp_path_factory.mktemp("community") / "sim"
    options = "--samples 24 --features 40 --length-bp 60 --depth 500 --seed 1".split()
    deepbio("simulate", "-o", path, *options, check=True)
    return path


@pytest.fixture
def fastq(tmp_path: Path) -> Path:
    """520 reads r0, r1, ... of 21 to 49 letters, with class=x, y or z in their titles."""
    rng = random.Random(3)
    path = tmp_path / "reads.fq"
    with path.open("w") as file:
        for i in range(520):
            size = rng.randrange(21, 50)
            file.write(
                f"@r{i} class={'xyz'[i % 3]}\n"
                f"{''.join(rng.choices('ACGT', k=size))}\n+\n{'I' * size}\n"
            )
    return path


@pytest.fixture(autouse=True)
def keep_random_state() -> object:
    """A test's random numbers do not leak into the next."""
    import torch

    state = torch.get_rng_state()
    yield
    torch.set_rng_state(state)
