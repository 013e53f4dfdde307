"""The text of a file, or why there is none: a size is looked at before anything is read."""

from __future__ import annotations

import os
import stat

from ecosystem.errors import InputError, Place, Problem

MAX_BYTES = 4_000_000
ELSEWHERE = "put large data in a CSV file"


def read_text(file: str, most: int = MAX_BYTES, kind: str = "YAML", instead: str = ELSEWHERE) -> str:
    """Return the text of a regular UTF-8 file, without a byte order mark.

    Parameters
    ----------
    file : str
        Its name.
    most : int
        How many bytes it may have.
    kind : str
        What kind of file is wanted, for messages.
    instead : str
        What to do with a file that is larger.

    Raises
    ------
    InputError
        If there is no such file, or it is something else.
    """
    return _decode(_bytes(file, most, kind, instead), file)


def _bytes(file: str, most: int, kind: str, instead: str) -> bytes:
    try:
        status = os.stat(file)
        if stat.S_ISDIR(status.st_mode):
            problem = f"is a directory; name the {kind} file in it"
        elif not stat.S_ISREG(status.st_mode):
            problem = "is not a regular file"
        elif status.st_size > most:
            problem = f"is {status.st_size / 1e6:,.1f} MB, more than {most / 1e6:g} MB; {instead}"
        else:
            with open(file, "rb") as stream:
                return stream.read(status.st_size)
    except FileNotFoundError:
        problem = "no such file"
    except (OSError, ValueError) as error:
        problem = f"cannot be read ({getattr(error, 'strerror', None) or error})"
    raise InputError([Problem((), f"{file if file.isprintable() else ascii(file)}: {problem}")])


def _decode(content: bytes, file: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The decoder counts from after a byte order mark, which stands on the first line in any case.
        before = error.object[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        byte = f"byte 0x{error.object[error.start]:02x} at offset {error.start}"
        message = f"is not UTF-8 text ({byte}); save the file as UTF-8"
        raise InputError([Problem((), message, Place(file, line, column))]) from None
