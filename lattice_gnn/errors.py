"""The one error that a user can mend."""

import re

_LONGEST_WORD = 300
_LONGEST = 1000


class LatticeGnnError(ValueError):
    """Input that cannot be used: what, where, expected against got, and what to do.

    The command line prints the sentence and exits with code 2; everything else is a bug and keeps
    its traceback. However much a file holds, the sentence stays short and printable: long words are
    cut, control characters and lone surrogates become escapes.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(_readable(message))


def _readable(message: str) -> str:
    """Return one line of bounded length that any terminal can print."""
    text = message.encode("utf-8", "backslashreplace").decode("utf-8")
    text = re.sub(r"[\x00-\x1f\x7f-\x9f]", lambda x: repr(x[0])[1:-1], text)
    text = re.sub(rf"\S{{{_LONGEST_WORD},}}", lambda x: f"{x[0][:57]}...", text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 60]} ... {text[-50:]}"
