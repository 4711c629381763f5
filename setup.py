"""Builds the C++ library with CMake and puts library, headers, command and `_C` into the package.

CMake is the only compiler driver. The build folder (DEEPBIO_BUILD_DIR, default build/cmake) is kept
and reused.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, find_packages, setup

HERE = Path(__file__).parent.resolve()
# The torch that is wanted is said once, in pyproject.toml.
LOWEST, ABOVE = re.search(
    r'"torch>=([\d.]+),<([\d.]+)"', (HERE / "pyproject.toml").read_text()
).groups()
WANTED = f"'torch>={LOWEST},<{ABOVE}'"


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])


try:
    import torch
    from torch.utils.cpp_extension import BuildExtension
except ImportError:
    sys.exit(
        f"deepbio_torch needs torch to build: run  pip install {WANTED}  and install with "
        "--no-build-isolation"
    )
if not numbers(LOWEST) <= numbers(torch.__version__) < numbers(ABOVE):
    sys.exit(
        f"deepbio_torch needs {WANTED}, found torch {torch.__version__}: run  pip install {WANTED}"
    )


class CMakeBuild(BuildExtension):
    """One extension stands for everything that CMake builds and installs."""

    def build_extensions(self) -> None:
        package = self.package_folder()
        build = Path(os.environ.get("DEEPBIO_BUILD_DIR", HERE / "build" / "cmake"))
        jobs = os.environ.get("MAX_JOBS") or str(os.cpu_count() or 1)
        configure = ["cmake", "-G", "Ninja", "-S", HERE, "-B", build, "-DDEEPBIO_BUILD_PYTHON=ON"]
        configure += [f"-DPython3_EXECUTABLE={sys.executable}", f"-DCMAKE_INSTALL_PREFIX={package}"]
        configure += [f"-DDEEPBIO_BUNDLE={os.environ.get('DEEPBIO_BUNDLE', 'OFF')}"]
        if not (build / "CMakeCache.txt").exists():
            configure.append("-DDEEPBIO_UNITY=ON")  # a first build compiles everything
        self.call(configure + os.environ.get("DEEPBIO_CMAKE_ARGS", "").split())
        self.call(
            [
                "cmake",
                "--build",
                build,
                "-j",
                jobs,
                "--target",
                "deepbio_tool",
                "deepbio_io_library",
                "_C",
            ]
        )
        self.call(["cmake", "--install", build, "--strip"])
        release = torch.__version__.split("+")[0]
        (package / "_build.py").write_text(
            '"""What this build was made with; written by '
            f'setup.py."""\n\nTORCH_VERSION = "{release}"\n'
        )

    def package_folder(self) -> Path:
        """Where library, headers, command and `_C` go: for an editable install, beside the
        Python sources."""
        if self.editable_mode or self.inplace:
            return HERE / "deepbio_torch"
        return Path(self.get_ext_fullpath("deepbio_torch._C")).parent.resolve()

    def copy_extensions_to_source(self) -> None:
        """Nothing is left to copy: setuptools would take `_C` alone and leave the library it
        needs behind."""

    def call(self, command: list[object]) -> None:
        """Runs cmake and ninja of this Python's environment first, whether or not it is
        activated."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        subprocess.run(
            [str(part) for part in command], check=True, env={**os.environ, "PATH": path}
        )

    def get_outputs(self) -> list[str]:
        return []


# A wheel to hand out names the torch it was built against (setup/wheel.sh).
TAG = (
    f"+torch{'.'.join(torch.__version__.split('.')[:2])}" if "DEEPBIO_BUNDLE" in os.environ else ""
)

setup(
    options={"egg_info": {"tag_build": TAG}},
    packages=find_packages(include=["deepbio_torch", "deepbio_torch._*"]),
    package_data={"": ["*.pyi"], "deepbio_torch": ["py.typed", "licenses/*.txt"]},
    ext_modules=[Extension("deepbio_torch._C", sources=[])],
    cmdclass={"build_ext": CMakeBuild},
)
