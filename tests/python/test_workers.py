"""DataLoader workers of every start method after the parent ran parallel regions; nothing hangs, batches agree."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
import torch
import deepbio_torch as db

def main():
    folder, method = sys.argv[1:3]
    torch.set_num_threads(2)
    torch.randn(700, 700) @ torch.randn(700, 700)
    table, tree = db.read_table(folder + "/table.biom"), db.read_tree(folder + "/tree.nwk")
    db.unifrac(table, tree)
    from glob import glob
    reads = db.SequenceDataset(sorted(glob(folder + "/reads/*.gz")), transform=db.transforms.OneHotEncoder(pad_to=60))
    samples = db.SampleDataset(table, tree=tree, rarefy_depth=100, max_bp=60)
    len(reads)
    for data, key in ((reads, "ids"), (samples, "sample_ids")):
        plain = [(b[key], float(sum(v.double().sum() for v in b.values() if torch.is_tensor(v))))
                 for b in torch.utils.data.DataLoader(data, batch_size=16, collate_fn=db.collate)]
        loader = torch.utils.data.DataLoader(data, batch_size=16, collate_fn=db.collate, num_workers=2,
                                             multiprocessing_context=method, timeout=50)
        worked = [(b[key], float(sum(v.double().sum() for v in b.values() if torch.is_tensor(v)))) for b in loader]
        assert worked == plain, method
    print("same", len(plain))

if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_give_the_same_batches_after_a_parallel_region(community_dir: Path, tmp_path: Path, method: str):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, script, community_dir, method], capture_output=True, text=True, timeout=180, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("same")
