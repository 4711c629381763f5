"""The version, read by the package, setup.py and CMake."""

__version__ = "0.1.0"
