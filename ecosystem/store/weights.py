"""What models had learned at the end of a run, where it is recorded: a file of safetensors a run."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ecosystem.errors import EcosystemError
from ecosystem.store.errors import StoreError, told
from ecosystem.store.files import whole_file
from ecosystem.store.manifest import FILE as MANIFEST

if TYPE_CHECKING:
    from torch import Tensor

FOLDER = "weights"


def save(root: Path, run: str, tensors: Mapping[str, Tensor]) -> None:
    """Write what the models of a run have learned, ``model/name`` each, whole or not at all.

    Raises
    ------
    StoreError
        The disk is full, or the directory cannot be written.
    """
    from safetensors.torch import save_file

    path = _file(root, run)
    with told(root):
        path.parent.mkdir(exist_ok=True)
        with whole_file(path) as beside:
            save_file({name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}, beside)
            shutil.copymode(root / MANIFEST, beside)  # safetensors makes files that nobody else may read


def load(root: Path, run: str) -> dict[str, dict[str, Tensor]]:
    """Return what the models of a run had learned, by model and name.

    Raises
    ------
    EcosystemError
        It was not recorded, or is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = _file(root, run)
    if not path.is_file():
        raise EcosystemError(f"{path}: there are no weights of this run; record: {{weights: true}} keeps them")
    try:
        tensors = load_file(path)
    except SafetensorError as error:
        raise StoreError(f"{path}: is damaged ({error}); run the scenario again with another --out") from error
    found: dict[str, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        model, _, name = key.rpartition("/")  # a model's name may have a slash in it, that of a parameter has dots
        found.setdefault(model, {})[name] = tensor
    return found


def _file(root: Path, run: str) -> Path:
    return root / FOLDER / f"{run}.safetensors"
