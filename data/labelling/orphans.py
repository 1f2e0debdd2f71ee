"""Worker processes end with the process that started them, and leave interruptions to it."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

_SECONDS = 1.0  #: between two looks


@lru_cache(maxsize=1)
def end_with(parent: int) -> None:
    """End this process soon after its parent has ended, however that happened.

    A killed process cannot tell its workers, which would go on computing for nobody. Call it in the
    worker, as often as you like; the first call starts a thread that watches.

    Args:
        parent: Number of the process that started this one.
    """
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_SECONDS)
    os._exit(1)


@contextmanager
def interrupts_kept_from_children() -> Iterator[None]:
    """Start processes that Ctrl-C at the terminal, which goes to all, does not reach.

    They inherit that the signal is ignored, which for these moments it is here too. (A mask would
    not do: the standard library clears it when it starts its own helper.)
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
