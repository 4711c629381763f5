"""The package itself: cheap to import, lazy, a clear word about a torch that does not fit."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import deepbio_torch as db


def python(code: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, **options
    )


def test_importing_costs_next_to_nothing_and_does_not_import_torch():
    done = python("import sys, deepbio_torch; print('torch' in sys.modules)")
    assert done.stdout.strip() == "False", done.stderr


def test_every_promised_name_is_there():
    for name in db.__all__:
        assert getattr(db, name) is not None, name
    assert set(db.__all__) <= set(dir(db))


def test_a_torch_of_another_minor_version_is_one_readable_line(tmp_path: Path):
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch/__init__.py").write_text("")
    (tmp_path / "torch/version.py").write_text("__version__ = '2.99.0+cu130'\n")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "try:\n    import deepbio_torch\nexcept ImportError as error:\n    print(error)\n"
    )
    done = python(code)
    assert (
        "2.99.0" in done.stdout
        and "pip install torch==" in done.stdout
        and len(done.stdout.splitlines()) == 1
    )


def test_a_torch_that_was_imported_is_the_one_that_counts():
    code = (
        "import torch; torch.__version__ = '2.98.0'\n"
        "try:\n    import deepbio_torch\nexcept ImportError as error:\n    print(error)\n"
    )
    assert "torch 2.98.0 is installed" in python(code).stdout


def test_commands_that_need_no_tensors_need_no_torch(tmp_path: Path):
    program = shutil.copy(Path(db.__file__).parent / "bin" / "deepbio", tmp_path)
    reads = tmp_path / "reads.fastq"
    reads.write_text("@a\nACGT\n+\nIIII\n")

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run([program, *map(str, words)], capture_output=True, text=True)

    assert json.loads(run("stats", "--json", reads).stdout)["files"][0]["bases"] == 4
    assert run("validate", reads).stdout.split("\t")[1] == "ok"
    assert "permanova" in run("--help").stdout and "--alphabet" in run("validate", "--help").stdout
    assert run("staats").returncode == 2
    early = run("--json", "stats", reads)  # was read as if it were not there
    assert early.returncode == 2 and "after the command, got '--json'" in early.stderr
    assert json.loads(run("info", "--json", reads).stdout)["kind"].startswith("FASTQ")
    missing = run("info", tmp_path)
    assert missing.returncode == 127 and missing.stderr.count("\n") == 1
    assert "libdeepbio_commands.so" in missing.stderr


def test_python_dash_m_is_the_command(binary: str):
    module = subprocess.run(
        [sys.executable, "-m", "deepbio_torch", "--version"], capture_output=True, text=True
    )
    command = subprocess.run([binary, "--version"], capture_output=True, text=True)
    assert (
        module.stdout == command.stdout
        and db.__version__ in module.stdout
        and "torch 2." in module.stdout
    )


def test_the_package_works_where_torch_is_not_beside_it(tmp_path: Path):
    copy = tmp_path / "deepbio_torch"
    package = Path(db.__file__).parent
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("include", "share"))
    alone = subprocess.run([copy / "bin" / "deepbio", "--version"], capture_output=True, text=True)
    assert "libtorch" in alone.stderr  # the copy does not find it by itself
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}

    command = subprocess.run(
        [sys.executable, "-m", "deepbio_torch", "--version"],
        capture_output=True,
        text=True,
        env=environment,
    )
    library = python(
        "import deepbio_torch as db; print(db.errors, db.report, db.__path__)", env=environment
    )

    assert command.returncode == 0 and "torch 2." in command.stdout, command.stderr
    assert library.returncode == 0 and str(copy) in library.stdout, library.stderr


def test_the_stub_lists_what_the_extension_has():
    from deepbio_torch import _C

    tree = ast.parse((Path(db.__file__).parent / "_C.pyi").read_text())
    kinds = (ast.FunctionDef, ast.ClassDef)
    stub = {node.name: node for node in tree.body if isinstance(node, kinds)}
    bound = {name for name in dir(_C) if not name.startswith("__")}
    assert set(stub) == bound - {"TORCH_VERSION"}
    for name, node in stub.items():
        if isinstance(node, ast.ClassDef):
            for item in node.body:
                member = item.name if isinstance(item, ast.FunctionDef) else item.target.id
                assert hasattr(getattr(_C, name), member), f"{name}.{member}"


def bound_parameters(function: object) -> list[tuple[str, bool]] | None:
    """Names of the parameters in pybind11's docstring, and whether each has a default.

    None for a property.
    """
    lines = (function.__doc__ or "").splitlines()
    line = next(
        (line for line in lines if line.startswith(f"{getattr(function, '__name__', '?')}(")), ""
    )
    words, depth = [""], 0
    for letter in line.partition("(")[2]:
        depth += (letter in "([{") - (letter in ")]}")
        if depth < 0:
            break
        if depth == 0 and letter == ",":
            words.append("")
        elif depth == 0:
            words[-1] += letter
    named = [
        (word.partition(":")[0].strip(), "=" in word)
        for word in words
        if word.strip() not in ("", "*", "self")
    ]
    return [each for each in named if not each[0].startswith("self")] if line else None


def stub_parameters(node: ast.FunctionDef) -> list[tuple[str, bool]]:
    given = [*node.args.posonlyargs, *node.args.args]
    defaults = [None] * (len(given) - len(node.args.defaults)) + list(node.args.defaults)
    named = [(arg.arg, value is not None) for arg, value in zip(given, defaults, strict=True)]
    named += [
        (arg.arg, value is not None)
        for arg, value in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    ]
    return [each for each in named if each[0] != "self"]


def test_the_stub_has_the_signatures_of_the_extension():
    from deepbio_torch import _C

    tree = ast.parse((Path(db.__file__).parent / "_C.pyi").read_text())
    pairs = [
        (getattr(_C, node.name), node) for node in tree.body if isinstance(node, ast.FunctionDef)
    ]
    for node in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        methods = [
            item
            for item in node.body
            if isinstance(item, ast.FunctionDef) and not item.decorator_list
        ]
        pairs += [(getattr(getattr(_C, node.name), item.name), item) for item in methods]
    differing = []
    for function, node in pairs:
        bound, stub = bound_parameters(function), stub_parameters(node)
        if bound is None:
            continue
        named = [
            name for name, _ in bound if not re.fullmatch(r"arg\d", name)
        ]  # without py::arg it has no name
        if len(bound) != len(stub) or (named and bound != stub):
            differing.append((node.name, bound, stub))
    assert len(pairs) > 100 and differing == []


def test_the_build_asks_for_no_cuda_toolkit():
    # TorchConfig.cmake of a torch with CUDA, which is pip's on most machines, stops where no
    # toolkit is installed.
    root = Path(__file__).parents[2]
    files = [
        root / "CMakeLists.txt",
        *(root / "cmake").iterdir(),
        root / "examples/cpp/CMakeLists.txt",
    ]
    assert [
        file.name
        for file in files
        if re.search(r"find_(package|dependency)\s*\(\s*Torch", file.read_text())
    ] == []
