"""How far a long work is: told to a callable, or shown as a bar of tqdm."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from .errors import WrongTypeError

Progress: TypeAlias = Callable[[int, int], None]
GivenProgress: TypeAlias = Progress | bool | None


def checked_progress(progress: GivenProgress) -> GivenProgress:
    """What was given.

    Raises:
        WrongTypeError: neither a callable nor True, False or None.
    """
    if progress is None or isinstance(progress, bool) or callable(progress):
        return progress
    raise WrongTypeError(f"progress: expected True, None or a callable, got {progress!r}")


@contextmanager
def shown(progress: GivenProgress, what: str, unit: str = "records") -> Iterator[Progress | None]:
    """What to call with (done, in all): the callable that was given.

    For True a bar, where tqdm is installed. In all is 0 where it is not known.

    Raises:
        WrongTypeError: neither a callable nor True, False or None.
    """
    checked_progress(progress)
    if progress is None or progress is False:
        yield None
        return
    if progress is not True:
        yield progress
        return
    try:
        from tqdm.auto import tqdm
    except ImportError:
        yield None
        return
    with tqdm(desc=what, unit=unit, unit_scale=unit == "records") as bar:

        def move(done: int, total: int) -> None:
            bar.total = total or None
            bar.update(done - bar.n)

        yield move
