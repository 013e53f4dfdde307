"""The directory that a scenario's results go to by default."""

from __future__ import annotations

import re
import unicodedata
from hashlib import blake2b

_LONGEST = 80
_NOT_FILES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def directory_name(name: str) -> str:
    """Return a name as one component of a path, on any system.

    Blanks become dashes. A name that loses more than that gets a hash, so that two names never
    become one.

    Examples
    --------
    >>> directory_name("two models, backfire"), directory_name("collapse")
    ('two-models-backfire-2edc2e4b', 'collapse')
    """
    dashed = re.sub(r"\s+", "-", unicodedata.normalize("NFC", name).strip())
    safe = re.sub(r"([.-])[.-]+", r"\1", re.sub(r"[^\w.-]", "", dashed)).strip("-.")
    while len(safe.encode()) > _LONGEST:
        safe = safe[: max(len(safe) - (len(safe.encode()) - _LONGEST + 3) // 4, 1)]
    if safe == dashed and not _NOT_FILES.fullmatch(safe):
        return safe
    return f"{safe or 'scenario'}-{blake2b(name.encode('utf-8', 'surrogatepass'), digest_size=4).hexdigest()}"
