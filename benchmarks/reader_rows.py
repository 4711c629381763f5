"""What benchmarks/reader.py times: rows of ways to do the same work on the same file, and the
loops of the peers."""

from dataclasses import dataclass, field

PLAIN, GZIP, BGZF, LONG, GENOME = (
    "reads.fastq",
    "reads.fastq.gz",
    "reads.bgzf.gz",
    "long.fastq",
    "genome.fa",
)

# Python in the interpreter of the peers (or ours): sets `items`; what stands above "# timed" is
# made ready before.
LOOPS = {
    "dnaio": "import dnaio\n# timed\nwith dnaio.open(path, open_threads=0) as f: "
    "items = sum(1 for r in f)",
    "pyfastx": "import pyfastx\n# timed\nitems = sum(1 for r in pyfastx.Fastx(path))",
    "pysam": "import pysam\n# timed\nwith pysam.FastxFile(path, persist=False) as f: "
    "items = sum(1 for r in f)",
    "needletail": "import needletail\n# timed\nitems = sum(1 for r in "
    "needletail.parse_fastx_file(path))",
    "biopython": """
import gzip
from Bio.SeqIO.QualityIO import FastqGeneralIterator
from Bio.SeqIO.FastaIO import SimpleFastaParser
parse = SimpleFastaParser if path.endswith('.fa') else FastqGeneralIterator
# timed
with (gzip.open if path.endswith('.gz') else open)(path, 'rt') as f:
    items = sum(1 for r in parse(f))""",
    "python-records": """
import deepbio_torch as db
read = db.SequenceReader  # loads torch
# timed
items = sum(1 for r in read(path))""",
    "python-fields": """
import deepbio_torch as db
read = db.SequenceReader  # loads torch
items = bases = 0
# timed
for r in read(path):
    bases += len(r.name) + len(r.sequence) + len(r.quality)
    items += 1""",
    "dnaio-fields": """
import dnaio
items = bases = 0
# timed
with dnaio.open(path, open_threads=0) as f:
    for r in f:
        bases += len(r.name) + len(r.sequence) + len(r.qualities)
        items += 1""",
    "python-batches": """
import deepbio_torch as db
read = db.SequenceReader  # loads torch
items = 0
# timed
for batch in read(path).batches(256, titles=False, qualities=False):
    items += batch.padded().shape[0]""",
    "dnaio-batches": """
import dnaio, numpy as np
from itertools import islice
items = 0
# timed
with dnaio.open(path, open_threads=0) as f:
    reads = iter(f)
    while chunk := list(islice(reads, 256)):
        text = ''.join([r.sequence for r in chunk])
        items += np.frombuffer(text.encode('ascii'), np.uint8).reshape(len(chunk), -1).shape[0]""",
    "pyfastx-index": """
import os, pyfastx
if os.path.exists(path + '.fxi'): os.remove(path + '.fxi')
# timed
items = len(pyfastx.Fastq(path))""",
    "pyfastx-random": """
import random, pyfastx
file = pyfastx.Fastq(path)
numbers = random.Random(5).choices(range(len(file)), k=200 if path.endswith('.gz') else 10000)
# timed
items = len([(file[i].name, file[i].seq, file[i].qual) for i in numbers])""",
    "pysam-windows": """
import random, pysam
pysam.faidx(path)
file = pysam.FastaFile(path)
rng = random.Random(5)
places = [(rng.choice(file.references), rng.randrange(50_000_000)) for _ in range(2000)]
# timed
items = len([file.fetch(name, at, at + 200) for name, at in places])""",
}
TIMED = """
import sys, time
path = sys.argv[1]
{ready}
start = time.perf_counter()
{loop}
print('{{"items": %d, "seconds": %f}}' % (items, time.perf_counter() - start))
"""


@dataclass
class Way:
    """One way to do the work of a row: `case` is of the program, a key of LOOPS, or a tool with
    its arguments."""

    name: str
    case: str
    threads: int = 1
    kind: str = "program"  # program, peer, ours (Python), tool
    file: str = ""  # another one than the row's
    environment: dict[str, str] = field(default_factory=dict)


@dataclass
class Row:
    file: str
    ways: list[Way]
    goals: dict[str, float] = field(default_factory=dict)  # "A / B" of the rates -> at least


def peer(name: str, case: str = "") -> Way:
    return Way(name, case or name, kind="peer")


READERS = [peer(name) for name in ("dnaio", "pyfastx", "pysam", "needletail", "biopython")]
VIEWS, TWO = Way("deepbio", "views"), Way("deepbio, 2 threads", "views", 2)
L1 = Way("L1: read + memchr + sum", "limit")
INFLATERS = [
    Way("L2: igzip", "igzip -dc", kind="tool"),
    Way("L2: libdeflate-gunzip", "libdeflate-gunzip -c", kind="tool"),
]
FASTEST = "fastest peer"
ROWS = {
    "plain": Row(
        PLAIN,
        [VIEWS, Way("deepbio batches", "batches"), L1, *READERS],
        {f"deepbio / {L1.name}": 0.8, "deepbio / dnaio": 3},
    ),
    "gzip": Row(
        GZIP,
        [
            VIEWS,
            TWO,
            Way("deepbio, zlib", "views", environment={"DEEPBIO_INFLATE": "zlib"}),
            *INFLATERS,
            *READERS,
        ],
        {"deepbio, 2 threads / L2: igzip": 0.95, "deepbio / dnaio": 1},
    ),
    "bgzf": Row(
        BGZF,
        [VIEWS, TWO, *INFLATERS, *READERS],
        {"deepbio / dnaio": 1, "deepbio, 2 threads / deepbio": 1.8},
    ),
    "long": Row(LONG, [VIEWS, L1, *READERS], {f"deepbio / {FASTEST}": 1.5}),
    "fasta": Row(GENOME, [VIEWS, *READERS], {f"deepbio / {FASTEST}": 1.5}),
    "python-records": Row(
        PLAIN,
        [
            Way("deepbio", "python-records", kind="ours"),
            peer("dnaio"),
            Way("deepbio, fields used", "python-fields", kind="ours"),
            peer("dnaio, fields used", "dnaio-fields"),
        ],
        {"deepbio / dnaio": 1, "deepbio, fields used / dnaio, fields used": 1},
    ),
    "python-batches": Row(
        PLAIN,
        [Way("deepbio", "python-batches", kind="ours"), peer("dnaio + NumPy", "dnaio-batches")],
        {"deepbio / dnaio + NumPy": 3},
    ),
    "index": Row(
        PLAIN,
        [Way("deepbio index", "index"), VIEWS, peer("pyfastx index", "pyfastx-index")],
        {"deepbio index / deepbio": 0.5},
    ),
    "index-gzip": Row(
        GZIP,
        [Way("deepbio index", "index"), VIEWS, peer("pyfastx index", "pyfastx-index")],
        {"deepbio index / deepbio": 0.5},
    ),
    "index-bgzf": Row(
        BGZF, [Way("deepbio index", "index"), VIEWS], {"deepbio index / deepbio": 0.5}
    ),
    "random": Row(
        PLAIN,
        [
            Way("deepbio, sorted batch of 100,000", "sorted"),
            Way("deepbio, shuffled batch of 100,000", "shuffled"),
            Way("deepbio, shuffled batches of 256", "batch256"),
            Way("deepbio, one by one", "one"),
            peer("pyfastx", "pyfastx-random"),
        ],
        {"deepbio, sorted batch of 100,000 / 1": 1e6},
    ),
    "random-bgzf": Row(
        BGZF,
        [
            Way("deepbio, sorted batch of 100,000", "sorted"),
            Way("deepbio, shuffled batches of 256", "batch256"),
            Way("deepbio, one by one", "one"),
        ],
        {"deepbio, one by one / 1": 1e4},
    ),
    "random-gzip": Row(
        GZIP,
        [
            Way("deepbio, sorted batch of 100,000", "sorted"),
            Way("deepbio, one by one", "one"),
            peer("pyfastx", "pyfastx-random"),
        ],
    ),
    "windows": Row(
        GENOME,
        [
            Way("deepbio, 200 bp", "windows200"),
            Way("deepbio, 131 kb", "windows131k"),
            peer("pysam, 200 bp", "pysam-windows"),
        ],
    ),
}
MAX_PEAK_MIB = 64  # of the program while it streams
STREAMING = {"plain", "gzip", "bgzf", "long"}
