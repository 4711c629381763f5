"""The package itself: cheap to import, lazy, a clear word about a torch that does not fit."""

import re
import subprocess
import sys
from pathlib import Path

import deepbio_torch as db


def python(code: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, **options)


def test_importing_costs_next_to_nothing_and_does_not_import_torch():
    done = python("import sys, deepbio_torch; print('torch' in sys.modules)")
    assert done.stdout.strip() == "False", done.stderr


def test_every_promised_name_is_there():
    for name in db.__all__:
        assert getattr(db, name) is not None, name
    assert set(db.__all__) <= set(dir(db))


def test_a_torch_of_another_minor_version_is_one_readable_line():
    code = (
        "import importlib.metadata as m; real = m.version\n"
        "m.version = lambda name: '2.99.0' if name == 'torch' else real(name)\n"
        "try:\n    import deepbio_torch\nexcept ImportError as error:\n    print(error)\n"
    )
    done = python(code)
    assert "2.99.0" in done.stdout and "pip install torch==" in done.stdout and len(done.stdout.splitlines()) == 1


def test_python_dash_m_is_the_command(binary: str):
    module = subprocess.run([sys.executable, "-m", "deepbio_torch", "--version"], capture_output=True, text=True)
    command = subprocess.run([binary, "--version"], capture_output=True, text=True)
    assert module.stdout == command.stdout and db.__version__ in module.stdout and "torch 2." in module.stdout


def test_the_stub_lists_what_the_extension_has():
    import ast

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


def test_the_build_asks_for_no_cuda_toolkit():
    # TorchConfig.cmake of a torch with CUDA, which is pip's on most machines, stops where no toolkit is installed.
    root = Path(__file__).parents[2]
    files = [root / "CMakeLists.txt", *(root / "cmake").iterdir(), root / "examples/cpp/CMakeLists.txt"]
    assert [file.name for file in files if re.search(r"find_(package|dependency)\s*\(\s*Torch", file.read_text())] == []
