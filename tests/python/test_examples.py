"""Every example runs as its first lines say, and the README's snippets do too."""

import gzip
import random
import re
import subprocess
import sys
from pathlib import Path

import pysam
import pytest
from program_runs import run

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


def test_the_cnn_learns_from_reads(deepbio, tmp_path: Path):
    data = tmp_path / "data"
    deepbio(
        "simulate",
        "-o",
        data,
        *"--samples 60 --features 40 --length-bp 100 --depth 500 --seed 2".split(),
        check=True,
    )

    lines = run(
        sys.executable, EXAMPLES / "python/train_cnn_on_reads.py", data / "reads"
    ).splitlines()

    shares = [float(re.search(r"([\d.]+)%", line).group(1)) for line in lines]
    assert len(shares) == 3 and shares[-1] > 80, lines


def test_the_cnn_tells_the_reads_of_two_species_apart(tmp_path: Path):
    dice = random.Random(5)
    for species in ("one", "other"):
        genome = "".join(dice.choices("ACGT", k=1000))
        (tmp_path / species).mkdir()
        with gzip.open(tmp_path / species / "reads.fastq.gz", "wt") as file:
            for number in range(1500):
                start = dice.randrange(900)
                file.write(f"@r{number}\n{genome[start : start + 100]}\n+\n{'I' * 100}\n")

    lines = run(
        sys.executable,
        EXAMPLES / "python/train_cnn_on_reads.py",
        tmp_path / "one",
        tmp_path / "other",
    ).splitlines()

    shares = [float(re.search(r"([\d.]+)%", line).group(1)) for line in lines]
    assert shares[0] < shares[-1] and shares[-1] > 70, lines


def test_the_cnn_finds_the_motif_of_the_peaks_of_a_genome(tmp_path: Path):
    heights, motif = run(
        sys.executable, EXAMPLES / "python/genome_windows.py", tmp_path
    ).splitlines()

    assert float(heights.split()[-1]) > 0.9, heights
    planted, found = "TGACTCAGC", motif.split()[-1]
    assert any(planted[i : i + 6] in found for i in range(4)), motif


def test_the_strongest_effects_are_those_of_variants_in_the_motif(tmp_path: Path):
    (line,) = run(sys.executable, EXAMPLES / "python/variant_effects.py", tmp_path).splitlines()

    hits, total = map(int, re.findall(r"\d+", line))
    assert total == 285 and hits > 0.9 * total, line
    assert len((tmp_path / "effects.tsv").read_text().splitlines()) == 2 * total + 1


def test_the_kmer_mlp_tells_reads_of_unequal_numbers_apart(tmp_path: Path):
    dice = random.Random(7)
    for species, count in (("common", 900), ("rare", 150)):
        genome = "".join(dice.choices("ACGT", k=2000))
        with gzip.open(tmp_path / f"{species}.fastq.gz", "wt") as file:
            for number in range(count):
                start = dice.randrange(1850)
                file.write(f"@r{number}\n{genome[start : start + 150]}\n+\n{'I' * 150}\n")

    files = [tmp_path / "common.fastq.gz", tmp_path / "rare.fastq.gz"]
    lines = run(sys.executable, EXAMPLES / "python/classify_reads_by_kmers.py", *files).splitlines()

    shares = [float(re.search(r"([\d.]+)%", line).group(1)) for line in lines]
    assert len(shares) == 5 and shares[-1] > 93 and "of 210 reads" in lines[0], (
        lines
    )  # 86 % are common


def test_the_cnn_tells_the_read_groups_of_a_bam_apart(tmp_path: Path):
    dice = random.Random(9)
    genomes = {group: "".join(dice.choices("ACGT", k=600)) for group in ("gut", "soil")}
    head = {"HD": {"VN": "1.6"}, "RG": [{"ID": group} for group in genomes]}
    with pysam.AlignmentFile(str(tmp_path / "reads.bam"), "wb", header=head) as file:
        for number in range(1200):
            group = dice.choice(list(genomes))
            start = dice.randrange(500)
            read = pysam.AlignedSegment(file.header)
            read.query_name, read.flag = f"m{number}/ccs", 4
            read.query_sequence = genomes[group][start : start + 100]
            read.set_tag("RG", group)
            file.write(read)

    lines = run(
        sys.executable, EXAMPLES / "python/classify_bam_reads.py", tmp_path / "reads.bam"
    ).splitlines()

    shares = [float(re.search(r"([\d.]+)%", line).group(1)) for line in lines]
    assert len(shares) == 6 and shares[-1] > 90, lines


def test_a_tiny_bert_learns_from_masked_reads(tmp_path: Path):
    pytest.importorskip("transformers", reason="transformers is not installed")
    dice = random.Random(1)
    genome = "".join(
        dice.choices("AAAAAACGT", k=300)
    )  # half of the letters are A: something to learn
    with gzip.open(tmp_path / "reads.fastq.gz", "wt") as file:
        for number in range(640):
            start = dice.randrange(240)
            file.write(f"@r{number}\n{genome[start : start + 60]}\n+\n{'I' * 60}\n")

    lines = run(
        sys.executable, EXAMPLES / "python/pretrain_bert_on_reads.py", tmp_path / "reads.fastq.gz"
    ).splitlines()

    losses = [float(line.split()[-1]) for line in lines]
    assert len(losses) == 3 and losses[-1] < losses[0] and losses[-1] < 1.3, lines


def test_lightning_trains_on_a_data_module(tmp_path: Path):
    pytest.importorskip("pytorch_lightning", reason="pytorch-lightning is not installed")
    dice = random.Random(3)
    for species in ("one", "other"):
        genome = "".join(dice.choices("ACGT", k=1000))
        with gzip.open(tmp_path / f"{species}.fastq.gz", "wt") as file:
            for number in range(800):
                start, size = dice.randrange(900), dice.randrange(60, 101)
                file.write(f"@r{number}\n{genome[start : start + size]}\n+\n{'I' * size}\n")
    files, place = [tmp_path / "one.fastq.gz", tmp_path / "other.fastq.gz"], tmp_path / "place"
    place.mkdir()

    shown = run(sys.executable, EXAMPLES / "python/train_with_lightning.py", *files, cwd=place)

    assert float(re.search(r"([\d.]+)% of the reads held back", shown).group(1)) > 80, shown
    assert list(place.iterdir()) == []


LOOPS = {"in_a_plain_loop": "torch", "with_lightning": "pytorch_lightning",
         "with_accelerate": "accelerate", "with_transformers": "transformers",
         "trainer": "torch"}  # fmt: skip


@pytest.mark.parametrize("loop", LOOPS)
def test_a_phenotype_of_any_loop_is_predicted_by_the_command(deepbio, tmp_path: Path, loop: str):
    import torch

    import deepbio_torch as db

    pytest.importorskip(LOOPS[loop], reason=f"{LOOPS[loop]} is not installed")
    size = "--samples 24 --features 40 --length-bp 60 --depth 500".split()
    deepbio("simulate", "-o", tmp_path / "community", *size, check=True)
    table, tree, metadata = (
        tmp_path / "community" / name for name in ("table.biom", "tree.nwk", "metadata.tsv")
    )
    samples = db.SampleDataset(table, tree=tree, metadata=metadata, target="age", rarefy_depth=300)
    train, held_back = samples.split(0.2, seed=0)
    saved = tmp_path / "run"
    if loop == "trainer":  # ours, on the same samples and a model of the same size
        torch.manual_seed(0)
        model = db.models.SequencePredictor(
            embedding_dim=32, asv_num_layers=1, abundance_pooling=True
        )
        db.training.calibrate(model, train)
        db.Trainer(model, epochs=10, lr=1e-3, batch_size=8).fit(
            train, held_back, run_directory=saved
        )
        shown = deepbio("predict", "--quiet", "--model", saved, "--table", table, check=True).stdout
    else:
        shown = run(
            sys.executable,
            EXAMPLES / f"python/phenotype_{loop}.py",
            table,
            tree,
            metadata,
            "age",
            saved,
        )

    rows = [line.split("\t") for line in shown.splitlines() if line.startswith("sample_")]
    assert [row[0] for row in rows] == ["sample_id", *samples.sample_ids]
    predicted = torch.tensor([float(row[1]) for row in rows[1:]], dtype=torch.float64)
    same_draw = db.SampleDataset(table, metadata=metadata, target="age", rarefy_depth=300,
                                 redraw=False, codec=train.codec)  # fmt: skip
    with torch.no_grad():
        output = db.models.from_pretrained(saved)(same_draw.batch(range(24)))["target_prediction"]
    assert torch.allclose(predicted, same_draw.denormalize(output)[:, 0], rtol=1e-5)
    ages = same_draw.denormalize(same_draw.batch(range(24)).targets)[:, 0]
    assert (predicted - ages).abs().mean() < (ages - ages.mean()).abs().mean()
    assert torch.corrcoef(torch.stack([predicted, ages]))[0, 1] > 0.7


def test_examples_are_short():
    lengths = {
        path.name: len(path.read_text().splitlines()) for path in (EXAMPLES / "python").glob("*.py")
    }
    assert len(lengths) >= 6 and max(lengths.values()) < 60, lengths


def loaded_libraries(program: Path) -> str:
    """Names of all libraries that a program and its libraries need."""
    return "\n".join(line.split()[0] for line in run("ldd", program).splitlines() if line.strip())


def test_a_program_of_executorch_gives_the_models_numbers(tmp_path: Path):
    pytest.importorskip("executorch", reason="executorch is not installed")
    import deepbio_torch as db

    size = {f"{stack}_num_layers": 1 for stack in ("asv", "sample", "encoder", "count", "target")}
    model = db.models.SequencePredictor(embedding_dim=16, max_bp=30, token_limit=9, **size)
    db.export.pt2(model, tmp_path / "model.pt2")
    shown = run(
        sys.executable,
        EXAMPLES / "python/export_to_executorch.py",
        tmp_path / "model.pt2",
        tmp_path / "m.pte",
    )
    differences = [float(line.split()[-1]) for line in shown.splitlines() if len(line.split()) == 4]
    assert len(differences) == 4 and max(differences) <= 1e-5


@pytest.fixture(scope="module")
def small_run(deepbio, community_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "age"
    deepbio(
        "train", "--table", community_dir / "table.biom",
        "--metadata", community_dir / "metadata.tsv", "--metadata-column", "age",
        "--output-dir", out, "--epochs", 1, "--embedding-dim", 16, "--max-bp", 60, check=True,
    )  # fmt: skip
    return out


def export_torchscript(deepbio, run: Path, path: Path) -> None:
    deepbio("export", "--model", run, "--format", "torchscript", "-o", path, check=True)


def test_predictions_and_the_exported_model_run(
    deepbio, small_run: Path, community_dir: Path, tmp_path: Path
):
    table = community_dir / "table.biom"
    lines = run(
        sys.executable, EXAMPLES / "python/predict_phenotype.py", small_run, table
    ).splitlines()
    assert len(lines) == 24
    export_torchscript(deepbio, small_run, tmp_path / "model.ts")
    shown = run(
        sys.executable,
        EXAMPLES / "python/run_torchscript.py",
        tmp_path / "model.ts",
        small_run,
        table,
    )
    assert "largest difference" in shown


def test_cpp_programs_build_against_the_installed_package(
    deepbio, small_run: Path, community_dir: Path, tmp_path: Path
):
    import deepbio_torch

    package, build = Path(deepbio_torch.__file__).parent, tmp_path / "build"
    run(
        "cmake",
        "-G",
        "Ninja",
        "-S",
        EXAMPLES / "cpp",
        "-B",
        build,
        f"-DCMAKE_PREFIX_PATH={package}",
    )
    run("cmake", "--build", build)
    export_torchscript(deepbio, small_run, tmp_path / "model.ts")

    numbers = [
        float(line) for line in run(build / "run_torchscript", tmp_path / "model.ts").split()
    ]

    import torch

    torch.manual_seed(0)
    tokens = torch.randint(1, 5, (2, 3, 61))
    tokens[:, :, 0], tokens[1, 2] = 5, 0
    with torch.no_grad():
        expected = torch.jit.load(tmp_path / "model.ts")(
            tokens, torch.tensor([[50.0, 30, 20], [80, 20, 0]])
        )
    assert numbers == pytest.approx(expected.flatten().tolist(), abs=1e-6)
    shown = run(build / "train", community_dir / "table.biom", community_dir / "tree.nwk")
    assert shown.startswith("epoch 0: loss") and "embeddings [24, 32] of " in shown

    # A table in, predictions out, as the command gives them and without Python in the process.
    predicted = run(build / "predict", small_run, community_dir / "table.biom")
    command = deepbio(
        "predict",
        "--quiet",
        "--model",
        small_run,
        "--table",
        community_dir / "table.biom",
        check=True,
    )
    assert predicted == command.stdout and len(predicted.splitlines()) == 25
    needed = {name: loaded_libraries(build / name) for name in ("predict", "run_aoti")}
    assert "libdeepbio.so" in needed["predict"] and "python" not in needed["predict"]
    missing = subprocess.run(
        [build / "predict", small_run, "none.biom"], capture_output=True, text=True
    )
    assert missing.returncode == 1 and missing.stderr.startswith(
        "predict: none.biom: cannot be opened"
    )

    # A package of AOTInductor: libtorch alone, shapes that it was not made with.
    assert "deepbio" not in needed["run_aoti"] and "python" not in needed["run_aoti"]
    deepbio(
        "export", "--model", small_run, "--format", "aoti", "-o", tmp_path / "model.pt2", check=True
    )
    model = deepbio_torch.models.from_pretrained(small_run)
    for shape in ((1, 1, 2), (3, 5, 40), (7, 2, 61)):
        lines = run(build / "run_aoti", tmp_path / "model.pt2", *shape).splitlines()
        torch.manual_seed(0)
        tokens = torch.randint(1, 5, shape)
        tokens[:, :, 0] = 5
        with torch.no_grad():
            expected = model(tokens, torch.randint(1, 90, shape[:2]).float())["target_prediction"]
        got = torch.tensor([[float(value) for value in line.split()] for line in lines])
        torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)
