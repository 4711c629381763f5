"""Memory of batches, which the library keeps for the next ones."""

from . import _C


def release_memory() -> int:
    """Gives memory that waits for the next batches back to the system; returns how many bytes.

    Batches of reads are made in memory that earlier ones have left: at most 256 MiB of it waits,
    which an epoch that goes on fills again. Batches that are still held are not touched.
    """
    return _C.release_blocks()
