"""Where torch keeps the cache of its compiler, which it makes even if nothing is compiled."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

VARIABLE = "TORCHINDUCTOR_CACHE_DIR"


@contextmanager
def compiler_cache_in(folder: Path) -> Iterator[None]:
    """Keep the cache in a folder of results, and remove it if it stays empty.

    Without this, optimisers leave an empty folder in the folder of temporary files. The user's own
    choice of a place is respected.
    """
    if VARIABLE in os.environ:
        yield
        return
    cache = folder / "compiler-cache"
    os.environ[VARIABLE] = str(cache)
    try:
        yield
    finally:
        del os.environ[VARIABLE]
        with suppress(OSError):
            cache.rmdir()
