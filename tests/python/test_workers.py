"""DataLoader workers of every start method after the parent ran parallel regions.

Nothing hangs, batches agree.
"""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
from glob import glob
import torch
import deepbio_torch as db

def main():
    folder, method = sys.argv[1:3]
    torch.set_num_threads(2)
    torch.randn(700, 700) @ torch.randn(700, 700)
    table, tree = db.read_table(folder + "/table.biom"), db.read_tree(folder + "/tree.nwk")
    db.unifrac(table, tree)
    files = sorted(glob(folder + "/reads/*.gz"))
    reads = db.SequenceDataset(files, transform=db.transforms.OneHotEncoder(), target="file")
    samples = db.SampleDataset(table, tree=tree, rarefy_depth=100, max_bp=60)
    len(reads)
    samples.set_epoch(0)  # without it each batch has a draw of its own
    list(db.DataLoader(samples, batch_size=4, num_workers=2))
    for data, key in ((reads, "ids"), (samples, "sample_ids")):
        plain = [summary(b, key) for b in torch.utils.data.DataLoader(data, batch_size=64)]
        loader = torch.utils.data.DataLoader(
            data, batch_size=64, num_workers=2, multiprocessing_context=method, timeout=50
        )
        assert [summary(b, key) for b in loader] == plain, method
    runtimes = {m.split()[-1] for m in open("/proc/self/maps") if "gomp" in m or "iomp" in m}
    print("same", len(plain), sorted(runtimes))


def summary(batch, key):
    tensors = [value.double() for value in batch.values() if torch.is_tensor(value)]
    sums = [tensor.sum().item() for tensor in tensors]
    return batch[key], sums, [list(tensor.shape) for tensor in tensors]

if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_give_the_same_batches_after_a_parallel_region(
    community_dir: Path, tmp_path: Path, method: str
):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, script, community_dir, method],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("same 1 ")
    assert len(eval(done.stdout.split(" ", 2)[2])) == 1, f"one OpenMP runtime: {done.stdout}"
