"""Ctrl-C: one line and one exit code at any moment, also before a command begins."""

import os
import signal
from contextlib import suppress
from typing import Any

INTERRUPTED = 130
"""Exit code after an interruption, as shells give it for SIGINT."""


def end_when_interrupted() -> None:
    """End the process on Ctrl-C until ``raise_interruptions``: nothing is begun that could be lost.

    A KeyboardInterrupt would be a traceback while the command line itself is imported. Where Ctrl-C
    is ignored, as in background jobs, it stays so.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def raise_interruptions() -> None:
    """Raise KeyboardInterrupt on Ctrl-C again, as a command expects it."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(*_: Any) -> None:
    with suppress(OSError):  # standard error may be closed
        os.write(2, b"error: interrupted.\n")
    os._exit(INTERRUPTED)
