"""Models and tokenizers of `transformers` that are named: a folder beside the scenario, or a name on the hub."""

from __future__ import annotations

import time
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from ecosystem.errors import EcosystemError, shorten
from ecosystem.outputs.text.extra import needed

_SECONDS, _TRIES, _PAUSE = 10.0, 2, 1.0
"""How long the hub may take to be there, and how often that is tried, before files are asked of it at all: where it is
not, `transformers` asks for nearly a minute."""

_UNREACHED = {"ConnectError", "ConnectTimeout", "ConnectionError"}
"""What is raised where there is no way to it, whichever library asks."""


def source_of(named: str, base: Path, what: str) -> str:
    """Return what `transformers` reads: a folder, where there is one, else a name on the hub.

    Parameters
    ----------
    named : str
        What the scenario names.
    base : Path
        What folders are relative to.
    what : str
        The field that names it, for messages.

    Raises
    ------
    EcosystemError
        It can be no name on the hub, and there is no such folder.
    """
    if (base / named).is_dir():
        return str(base / named)
    if named.startswith((".", "/", "~")) or named.count("/") > 1:
        raise EcosystemError(f"{what}: there is no folder {shorten(named)} (looked for in {base})")
    return named


def tokenizer_of(source: str, what: str) -> Any:
    """Return the tokenizer of a folder or of the hub.

    Raises
    ------
    EcosystemError
        There is none.
    """
    found = _read("AutoTokenizer", source, what, "tokenizer")
    # Of a folder that holds none, transformers 5.0 makes a tokenizer that knows special tokens only.
    if not set(found.get_vocab()) - set(found.all_special_tokens):
        raise EcosystemError(f"{what}: no tokenizer can be read from {shorten(source)}: it has no tokens")
    return found


def config_of(source: str, what: str) -> Any:
    """Return the config of a folder or of the hub.

    Raises
    ------
    EcosystemError
        There is none.
    """
    return _read("AutoConfig", source, what, "config")


def model_of(kind: str, source: str, what: str, *, whole: bool = True) -> Any:
    """Return a model of a folder or of the hub, in single precision.

    Parameters
    ----------
    kind : str
        The class of `transformers` that reads it: `AutoModelForCausalLM`.
    source, what : str
        As `source_of` returns and takes.
    whole : bool
        Whether weights that are not there are refused; else they are drawn at random.

    Raises
    ------
    EcosystemError
        There is none, or it is of another kind.
    """
    model, about = _read(kind, source, what, _KINDS[kind], dtype=torch.float32, output_loading_info=True)
    missing = sorted(about["missing_keys"])
    if whole and missing:
        raise EcosystemError(
            f"{what}: {shorten(source)} is no {_KINDS[kind]}: its weights lack {', '.join(missing[:3])}"
            f"{f' and {len(missing) - 3} more' if len(missing) > 3 else ''}"
        )
    return model.eval()


_KINDS = {
    "AutoModel": "encoder",
    "AutoModelForCausalLM": "causal language model",
    "AutoModelForSequenceClassification": "trained reward model (sequence classification)",
}


def _read(kind: str, source: str, what: str, thing: str, **settings: Any) -> Any:
    transformers = needed(what, "transformers")
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    local = Path(source).is_dir()
    here = local or not _hub_answers()
    try:
        return getattr(transformers, kind).from_pretrained(source, local_files_only=here, **settings)
    except Exception as error:
        if here and not local:
            raise EcosystemError(
                f"{what}: there is no folder {shorten(source)}, nothing of this name has been loaded before, and the "
                "hub does not answer: name a folder, or connect to the network"
            ) from error
        reason = " ".join(str(error).split())
        reason = reason if len(reason) <= _MOST else f"{reason[: _MOST - 1]}…"
        raise EcosystemError(f"{what}: no {thing} can be read from {shorten(source)}: {reason}") from error


_MOST = 160
"""Letters of what `transformers` says that are passed on."""


@lru_cache(maxsize=1)
def _hub_answers() -> bool:
    """Tell whether the hub can be reached; one that is slow can be, and whatever it says it answers."""
    hub = needed("learning.language", "huggingface_hub")
    if hub.constants.HF_HUB_OFFLINE:
        return False
    for _ in range(_TRIES):
        try:
            hub.get_session().head(hub.constants.ENDPOINT, timeout=_SECONDS)
        except Exception as error:
            if type(error).__name__ not in _UNREACHED:
                return True
            time.sleep(_PAUSE)
        else:
            return True
    return False
