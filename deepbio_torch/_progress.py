"""How far a long work is: told to a callable, or shown as a bar of tqdm."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from .errors import WrongTypeError

Progress: TypeAlias = Callable[[int, int], None]
GivenProgress: TypeAlias = Progress | bool | None


@contextmanager
def shown(progress: GivenProgress, what: str) -> Iterator[Progress | None]:
    """What to call with (done, in all): the callable that was given.

    For True a bar, where tqdm is installed.

    Raises:
        WrongTypeError: neither a callable nor True, False or None.
    """
    if progress is None or progress is False:
        yield None
        return
    if progress is not True:
        if not callable(progress):
            raise WrongTypeError(f"progress: expected True, None or a callable, got {progress!r}")
        yield progress
        return
    try:
        from tqdm.auto import tqdm
    except ImportError:
        yield None
        return
    with tqdm(desc=what, unit="records", unit_scale=True) as bar:

        def move(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield move
