"""Programs in C++ over the installed package."""

import gzip
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from program_runs import run

ROOT = Path(__file__).parents[2]


def test_a_cpp_project_of_its_own_needs_find_package_and_nothing_else(
    community_dir: Path, tmp_path: Path
):
    import deepbio_torch as db

    package, build = Path(db.__file__).parent, tmp_path / "build"
    run(
        "cmake",
        "-G",
        "Ninja",
        "-S",
        ROOT / "tests/consumer",
        "-B",
        build,
        f"-DCMAKE_PREFIX_PATH={package}",
    )
    run("cmake", "--build", build)
    (tmp_path / "two.fastq").write_text("@a\nACGNT\n+\nIIIII\n@b\nGG\n+\nII\n")
    files = [tmp_path / "two.fastq", community_dir / "table.biom", community_dir / "tree.nwk"]

    facts = dict(
        line.split(" ", 1) for line in run(build / "consumer", *files, cwd=tmp_path).splitlines()
    )

    assert facts.pop("unifrac") == f"{db.unifrac(*files[1:]).values.sum().item():.17g}"
    parameters = len(list(db.models.SequenceEncoder(embedding_dim=16).parameters()))
    assert facts == {
        "one_hot": "6",
        "parameters": str(parameters),
        "epochs": "100",
        "missing": "nowhere.biom",
    }
    assert (tmp_path / "two.fastq.ts").exists()
    linked = subprocess.run(
        ["readelf", "-d", build / "consumer"], capture_output=True, text=True
    ).stdout
    needed = [line for line in linked.splitlines() if "NEEDED" in line]
    assert any("libdeepbio.so" in line for line in needed) and not any(
        "python" in line for line in needed
    )


def built(cpp: str, folder: Path, find: str, target: str) -> Path:
    """A program of one file, built in `folder` against the installed package."""
    import deepbio_torch

    folder.mkdir(exist_ok=True)
    (folder / "snippet.cpp").write_text(cpp)
    (folder / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\nproject(snippet LANGUAGES C CXX)\n"
        f"find_package(DeepBio REQUIRED {find})\nadd_executable(snippet snippet.cpp)\n"
        f"target_link_libraries(snippet PRIVATE {target})\n"
    )
    package = Path(deepbio_torch.__file__).parent
    run(
        "cmake",
        "-G",
        "Ninja",
        "-S",
        folder,
        "-B",
        folder / "build",
        f"-DCMAKE_PREFIX_PATH={package}",
    )
    run("cmake", "--build", folder / "build")
    return folder / "build/snippet"


@pytest.mark.parametrize("page, lines", [("README.md", 1), ("docs/cpp.md", 2)])
def test_both_languages_print_the_same(page: str, lines: int, community_dir: Path, tmp_path: Path):
    text = (ROOT / page).read_text()
    python = "\n".join(re.findall(r"^```python\n(.*?)```", text, re.DOTALL | re.MULTILINE))
    cpp = re.findall(r"^```cpp\n(.*?)```", text, re.DOTALL | re.MULTILINE)[-1]

    first = run(sys.executable, "-c", python, cwd=community_dir)
    second = run(built(cpp, tmp_path, "", "deepbio::deepbio"), cwd=community_dir)

    assert first == second and len(first.splitlines()) == lines


def test_a_program_of_the_component_io_needs_no_torch(community_dir: Path, tmp_path: Path):
    text = (ROOT / "docs/cpp.md").read_text()
    cpp = re.findall(r"^```cpp\n(.*?)```", text, re.DOTALL | re.MULTILINE)[0]

    program = built(cpp, tmp_path, "COMPONENTS io", "deepbio::io")

    reads = min((community_dir / "reads").iterdir())
    sizes = [len(line.strip()) for line in gzip.open(reads, "rt").readlines()[1::4]]
    assert run(program, reads) == f"{len(sizes)} reads, {sum(sizes)} letters\n"
    linked = run("ldd", program)
    assert "libdeepbio_io.so" in linked and "libtorch" not in linked and "not found" not in linked
    commands = (tmp_path / "build/build.ninja").read_text()
    assert "libdeepbio_io" in commands and "include/torch" not in commands


def test_pkg_config_names_what_a_compiler_needs(community_dir: Path, tmp_path: Path):
    import deepbio_torch

    files = Path(deepbio_torch.__file__).parent / "share/pkgconfig"
    cpp = re.findall(
        r"^```cpp\n(.*?)```", (ROOT / "docs/cpp.md").read_text(), re.DOTALL | re.MULTILINE
    )[0]
    (tmp_path / "snippet.cpp").write_text(cpp)
    environment = {**os.environ, "PKG_CONFIG_PATH": str(files)}
    flags = run("pkg-config", "--cflags", "--libs", "deepbio-io", env=environment).split()
    run("c++", tmp_path / "snippet.cpp", "-o", tmp_path / "program", *flags)
    assert " reads, " in run(tmp_path / "program", community_dir / "sequences.fasta")
    whole = run("pkg-config", "--cflags", "--libs", "deepbio", env=environment).split()
    folders = [Path(flag[2:]) for flag in whole if flag.startswith("-L")]
    assert all(
        any((folder / f"lib{flag[2:]}.so").exists() for folder in folders)
        for flag in whole
        if flag[:2] == "-l"
    )


FROM_A_FOLDER = f"add_subdirectory({ROOT} deepbio)\n"
# FetchContent makes its copy from an archive, as from a release; here of the files of the build.
FROM_AN_ARCHIVE = """include(FetchContent)
FetchContent_Declare(deepbio URL ${CMAKE_CURRENT_SOURCE_DIR}/deepbio.tar.gz)
FetchContent_MakeAvailable(deepbio)
"""


@pytest.mark.parametrize("source", [FROM_A_FOLDER, FROM_AN_ARCHIVE], ids=["folder", "archive"])
def test_the_source_is_a_part_of_another_project(source: str, tmp_path: Path):
    with tarfile.open(tmp_path / "deepbio.tar.gz", "w:gz", compresslevel=1) as archive:
        for name in ("CMakeLists.txt", "cmake", "csrc", "deepbio_torch/_version.py"):
            archive.add(ROOT / name, f"deepbio/{name}")
    (tmp_path / "own.cpp").write_text("#include <deepbio/io/reads/fastx.h>\nint main() {}\n")
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\nproject(own LANGUAGES C "
        "CXX)\nset(DEEPBIO_WITH_TORCH OFF)\n"
        f"{source}add_executable(own own.cpp)\ntarget_link_libraries(own deepbio::io)\n"
    )
    build = tmp_path / "build"
    run("cmake", "-G", "Ninja", "-S", tmp_path, "-B", build)
    run("cmake", "--build", build, "--target", "CMakeFiles/own.dir/own.cpp.o")
    links = run("ninja", "-C", build, "-t", "commands", "own").splitlines()[-1]
    assert "libdeepbio_io.so" in links and "torch" not in links


def test_a_package_of_another_torch_is_not_found(tmp_path: Path):
    import deepbio_torch

    include = tmp_path / "torch/include/torch/headeronly"
    include.mkdir(parents=True)
    parts = {"MAJOR": 2, "MINOR": 99, "PATCH": 0}
    (include / "version.h").write_text(
        "".join(f"#define TORCH_VERSION_{name} {n}\n" for name, n in parts.items())
    )
    (tmp_path / "torch/lib").mkdir()
    (tmp_path / "torch/lib/libtorch.so").touch()
    package = Path(deepbio_torch.__file__).parent
    done = subprocess.run(
        ["cmake", "-G", "Ninja", "-S", ROOT / "tests/consumer", "-B", tmp_path / "build",
         f"-DCMAKE_PREFIX_PATH={package}", f"-DDEEPBIO_TORCH_FOLDER={tmp_path / 'torch'}"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode != 0 and "torch 2.99.0 is in" in " ".join(done.stderr.split())


def test_installed_headers_include_installed_headers_alone():
    import deepbio_torch

    include = Path(deepbio_torch.__file__).parent / "include"
    headers = {str(path.relative_to(include)): path.read_text() for path in include.rglob("*.h")}
    assert len(headers) > 100 and "deepbio/train/trainer.h" in headers
    wanted = {
        (name, line)
        for name, text in headers.items()
        for line in re.findall(r'#include "(deepbio/.*)"', text)
    }
    assert [each for each in wanted if each[1] not in headers] == []
    assert (
        "deepbio/io/reads/text_kernels.h" not in headers
        and "deepbio/train/step_generator.h" not in headers
    )
