"""The arrows: which layer may include which, where torch and Python may be seen, what a process
loads."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CSRC = ROOT / "csrc"
BELOW = {
    "base": set(),
    "io": {"base"},
    "seq": {"base", "io"},
    "community": {"base", "io"},
    "data": {"base", "io", "seq", "community"},
    "model": {"base"},
    "train": {"base", "io", "seq", "community", "data", "model"},
    "export": {"base", "io", "model"},
}
TORCH_FREE = ("base", "io")
FOLDERS = ("_reads", "_batches", "_community", "_model")  # of deepbio_torch
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)


def violations(folder: Path) -> list[str]:
    """Every include of the layers under `folder` that DESIGN.md forbids."""
    found = []
    for path in sorted(folder.rglob("*.h")) + sorted(folder.rglob("*.cpp")):
        place = path.relative_to(folder)
        layer = (
            place.parts[1]
            if place.parts[0] == "deepbio" and len(place.parts) > 2
            else place.parts[0]
        )
        for included in INCLUDE.findall(path.read_text()):
            if included.startswith("deepbio/") and layer in BELOW:
                target = included.split("/")[1]
                if target != layer and target not in BELOW[layer]:
                    found.append(f"{place}: {layer} must not include {included}")
            if layer in TORCH_FREE and re.match(r"(torch|ATen|c10|caffe2)/", included):
                found.append(f"{place}: {layer} is torch-free but includes {included}")
            python = re.match(
                r"(Python\.h|pybind11/|torch/extension\.h|torch/python\.h|torch/csrc/utils/pybind)",
                included,
            )
            if python and layer != "bindings":
                found.append(f"{place}: only bindings may include {included}")
            if included.startswith(("bindings/", "tools/")) and layer not in ("bindings", "tools"):
                found.append(f"{place}: nobody includes {included}")
    return found


def test_every_layer_includes_only_layers_below_it():
    assert violations(CSRC) == []


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("deepbio/io/reads/fastx.cpp", '#include "deepbio/seq/encode.h"'),
        ("deepbio/io/bytes/bytes.h", "#include <ATen/core/Tensor.h>"),
        ("deepbio/seq/encode.cpp", '#include "deepbio/community/table.h"'),
        ("deepbio/model/aam.cpp", '#include "deepbio/data/batch.h"'),
        ("deepbio/train/trainer.cpp", "#include <torch/extension.h>"),
        ("deepbio/data/loader.cpp", '#include "tools/command.h"'),
    ],
)
def test_a_planted_violation_is_found(tmp_path: Path, file: str, line: str):
    shutil.copytree(CSRC, tmp_path / "csrc")
    target = tmp_path / "csrc" / file
    target.write_text(line + "\n" + target.read_text())

    assert len(violations(tmp_path / "csrc")) == 1


def imported_modules(folder: Path) -> dict[str, set[str]]:
    """Which modules of a package each of them imports, anywhere in it: at the top, in functions,
    for types only."""
    names = {module_name(path, folder): path for path in folder.rglob("*.py")}
    found: dict[str, set[str]] = {}
    for name, path in names.items():
        taken = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                above = path.relative_to(folder.parent).parts[: -node.level] if node.level else ()
                place = ".".join([*above, *(node.module or "").split(".")]).strip(".")
                taken |= {place} | {f"{place}.{each.name}" for each in node.names}
            elif isinstance(node, ast.Import):
                taken |= {each.name for each in node.names}
        short = {each.removeprefix(f"{folder.name}.") for each in taken}
        found[name] = (short & names.keys()) - {name} - PACKAGES
    return found


PACKAGES = {"__init__", *(f"{folder}.__init__" for folder in FOLDERS)}


def module_name(path: Path, folder: Path) -> str:
    """`_reads.encoders` of `folder/_reads/encoders.py`."""
    return ".".join(path.relative_to(folder).with_suffix("").parts)


def circles(imports: dict[str, set[str]]) -> list[str]:
    """Modules that import themselves by way of others.

    Empty when there is an order from the bottom up.
    """
    left = {name: set(below) for name, below in imports.items()}
    while ready := [name for name, below in left.items() if not below]:
        for name in ready:
            del left[name]
        for below in left.values():
            below.difference_update(ready)
    return sorted(left)


def test_python_modules_import_only_modules_below_them():
    found = imported_modules(ROOT / "deepbio_torch")
    assert {"_batches.batch", "transforms"} <= found["_reads.sequences"]  # something is looked at
    assert circles(found) == []


@pytest.mark.parametrize(
    "line",
    ["from .b import f", "import package.b", "from . import b", "def f():\n    from .b import g"],
)
def test_a_planted_circle_is_found(tmp_path: Path, line: str):
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "a.py").write_text("from __future__ import annotations\n" + line + "\n")
    (tmp_path / "package" / "b.py").write_text("from package.c import d\n")
    (tmp_path / "package" / "c.py").write_text("import os\n")
    assert circles(imported_modules(tmp_path / "package")) == []
    (tmp_path / "package" / "c.py").write_text("from .a import d\n")
    assert circles(imported_modules(tmp_path / "package")) == ["a", "b", "c"]


def test_layers_and_files_say_what_they_hold():
    names = {path.stem for path in CSRC.rglob("*")} | {
        path.stem for path in (ROOT / "deepbio_torch").rglob("*")
    }
    assert not names & {"util", "utils", "common", "helper", "helpers", "misc"}


# Private parts, and the tests (below tests/) that go through them.
TESTED_THROUGH = {
    "encoders": ["cpp/data/encoder_test.cpp", "cpp/data/shards_test.cpp"],
    "option_values": ["cpp/base/options_test.cpp"],
    "option_rows": ["cpp/base/options_test.cpp"],
    "metadata_writer": ["cpp/io/tables/metadata_test.cpp"],
    "stream_loader": ["cpp/data/read_stream_test.cpp"],
    "version": ["python/test_package.py"],
    "hdf5": ["cpp/io/tables/biom_hdf5_test.cpp", "cpp/io/tables/matrix_test.cpp"],
    "foreign": ["cpp/io/sniff_test.cpp"],
    "fasta_text": ["cpp/io/reads/fasta_index_test.cpp", "cpp/io/reads/genome_file_test.cpp"],
    "zlib_block": ["cpp/io/tables/biom_hdf5_test.cpp", "cpp/io/tables/bigwig_test.cpp"],
    "formats": [
        "cpp/io/sniff_test.cpp",
        "cpp/io/tables/biom_test.cpp",
        "cpp/io/tables/matrix_test.cpp",
    ],
    "vcf_source": ["cpp/io/tables/vcf_test.cpp"],
    "variant_source": ["cpp/io/tables/vcf_test.cpp", "cpp/io/tables/bcf_source_test.cpp"],
    "reference_alleles": ["cpp/data/variants_test.cpp", "cpp/data/haplotypes_test.cpp"],
    "depths": ["cpp/community/table_test.cpp"],
    "named_distances": ["python/test_group_tests.py"],
    "test_results": ["python/test_group_tests.py"],
    "distance_request": ["python/test_cli_unifrac.py", "python/test_toolbox.py"],
    "table_edit": ["python/test_toolbox.py"],
    "progress_text": ["python/test_cli_training.py", "python/test_progress.py"],
    "read_tree": ["python/test_real_files.py"],
    "encoder_operators": ["python/test_encoder_stack.py"],
    "npy": ["cpp/io/tables/matrix_test.cpp"],
    "delimited": ["cpp/io/tables/matrix_text_test.cpp", "cpp/io/tables/metadata_test.cpp"],
    "distances": ["cpp/community/permanova_test.cpp", "cpp/community/ordination_test.cpp"],
    "fastx_bad_records": ["cpp/io/reads/fastx_test.cpp", "cpp/io/reads/bam_record_test.cpp"],
    "stream_file": ["cpp/data/read_stream_test.cpp"],
    "hdf5_library": ["cpp/io/tables/biom_hdf5_test.cpp"],
    "hdf5_writer": ["cpp/io/tables/biom_hdf5_test.cpp", "cpp/io/tables/matrix_test.cpp"],
    "aam_predictor": ["cpp/model/aam_test.cpp"],
    "learner": ["cpp/train/trainer_test.cpp", "cpp/train/process_group_test.cpp"],
    "weight_mean": ["cpp/train/trainer_test.cpp"],
    "validation": ["cpp/train/trainer_test.cpp"],
    "masked_bases": ["cpp/train/trainer_test.cpp"],
    "content_hash": ["cpp/train/run_test.cpp"],
    "run_lock": ["cpp/train/run_test.cpp"],
    "validate": ["python/test_cli_sequences.py", "python/test_told_apart.py"],
    "facts": ["python/test_cli_training.py", "python/test_told_apart.py"],
    "passes": ["python/test_cli_training.py"],
    "embeddings": ["python/test_cli_training.py"],
    "evaluation": ["python/test_cli_training.py", "python/test_training_cases.py"],
    "training_run": ["python/test_cli_training.py", "python/test_training_cases.py"],
    "study": ["python/test_training_cases.py", "cpp/train/sample_choice_test.cpp"],
}


def mirrored(source: Path) -> Path:
    place = source.relative_to(CSRC / "deepbio")
    return ROOT / "tests/cpp" / place.with_name(f"{place.stem}_test.cpp")


def test_every_source_file_has_its_test_at_the_mirrored_path():
    missing = [
        str(source.relative_to(CSRC))
        for layer in BELOW
        for source in (CSRC / "deepbio" / layer).rglob("*.cpp")
        if not mirrored(source).exists()
        and not {source.stem, source.parent.name} & TESTED_THROUGH.keys()
    ]
    assert missing == []
    assert all(
        (ROOT / "tests" / test).exists() for tests in TESTED_THROUGH.values() for test in tests
    )


def test_the_functional_core_reads_no_size_into_an_int():
    text = re.sub(r"//[^\n]*", "", (CSRC / "deepbio/model/functional.cpp").read_text())
    # span_mask is a leaf operator that walks over rows: it is not traced. Sizes of weights are
    # constants of a model.
    traced = re.sub(r"(void mask_spans|Tensor span_mask)\(.*?\n}\n", "", text, flags=re.DOTALL)
    assert len(traced) < len(text)
    assert (
        re.findall(
            r"(?<!weight)(?<!weights)(?<!query)\.size\(|\.item\(|\.item<|\.sizes\(\)\[", traced
        )
        == []
    )


def test_base_and_io_build_and_pass_their_tests_without_torch(tmp_path: Path):
    build = tmp_path / "build"
    options = [
        "-DDEEPBIO_WITH_TORCH=OFF",
        "-DDEEPBIO_BUILD_TESTS=ON",
        "-DCMAKE_BUILD_TYPE=Debug",
        "-DPython3_EXECUTABLE=/none",
    ]
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    subprocess.run(
        ["cmake", "-G", "Ninja", "-S", ROOT, "-B", build, *options],
        check=True,
        capture_output=True,
        env=env,
    )
    subprocess.run(
        ["cmake", "--build", build, "--target", "test_base", "deepbio_io"],
        check=True,
        capture_output=True,
        env=env,
    )

    done = subprocess.run([build / "tests/cpp/test_base"], capture_output=True, text=True)

    assert done.returncode == 0, done.stdout
    undefined = subprocess.run(
        ["nm", "-C", "--undefined-only", build / "libdeepbio_io.a"], capture_output=True, text=True
    )
    assert (
        " at::" not in undefined.stdout
        and " torch::" not in undefined.stdout
        and " c10::" not in undefined.stdout
    )


def package_folder() -> Path:
    import deepbio_torch

    return Path(deepbio_torch.__file__).parent


def test_the_core_library_has_no_python_symbol():
    library = package_folder() / "lib" / "libdeepbio.so"
    needed = subprocess.run(
        ["readelf", "-d", library], capture_output=True, text=True, check=True
    ).stdout
    symbols = subprocess.run(
        ["nm", "-D", "--undefined-only", library], capture_output=True, text=True, check=True
    ).stdout

    assert "libpython" not in needed and "torch_python" not in needed
    assert not re.search(r" U Py[A-Z_]", symbols)


def test_one_openmp_runtime_is_mapped():
    script = (
        "import torch, deepbio_torch as db; torch.ops\n"
        "from deepbio_torch import _C\n"
        "torch.randn(600, 600) @ torch.randn(600, 600)\n"
        "maps = open('/proc/self/maps').read().split('\\n')\n"
        "print(sorted({line.split()[-1] for line in maps if 'omp' in line.rsplit('/', 1)[-1] and "
        "'.so' in line}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert len(eval(done.stdout)) == 1, done.stdout


@pytest.mark.parametrize("pattern", ["_C.*.so", "lib/libdeepbio.so", "lib/libdeepbio_commands.so"])
def test_the_standard_library_is_looked_in_before_torch(pattern: str):
    # A torch with CUDA carries a part of an older libstdc++, whose std::filesystem::remove_all ends
    # the process.
    (binary,) = package_folder().glob(pattern)
    found = subprocess.run(
        ["readelf", "-d", binary], capture_output=True, text=True, check=True
    ).stdout
    needed = re.findall(r"NEEDED.*\[(.+?)\.so", found)
    assert needed.index("libstdc++") < min(
        needed.index(name) for name in needed if name.startswith("libtorch")
    )
