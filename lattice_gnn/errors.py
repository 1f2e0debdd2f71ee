"""The exception for errors in user input, with a hint how to fix them."""

import re

_LONGEST_WORD = 300
_LONGEST = 1000


class LatticeGnnError(ValueError):
    """Invalid user input: what is wrong, where, expected against got, and what to do.

    The command line prints the message and exits with code 2; any other exception is a bug and
    keeps its traceback. The message is short and printable whatever a file contains: long words are
    truncated, control characters and lone surrogates are escaped.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(_readable(message))


def _readable(message: str) -> str:
    """Return the message as one line of bounded length that any terminal can print."""
    text = message.encode("utf-8", "backslashreplace").decode("utf-8")
    if not text.isprintable():
        text = "".join(x if x.isprintable() else repr(x)[1:-1] for x in text)
    text = re.sub(rf"\S{{{_LONGEST_WORD},}}", lambda x: f"{x[0][:57]}...", text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 60]} ... {text[-50:]}"
