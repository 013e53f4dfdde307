"""One module of `transformers` that takes the weights of model after model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from ecosystem.outputs.text.extra import needed
from ecosystem.scenario.fields.language import Adapters


class Network:
    """A causal language model.

    Dropout is off throughout: what a model learns depends on its lessons and their order alone.

    Parameters
    ----------
    module : transformers.PreTrainedModel
        The model; its weights are the base.
    adapters : Adapters, optional
        Train low-rank adapters of it, in place of all weights.
    """

    def __init__(self, module: Any, adapters: Adapters | None = None) -> None:
        self.module = module.eval()
        self._base = dict(module.named_parameters())
        self.adapted = adapters is not None
        if adapters is not None:
            self.module = _adapted(module, adapters).eval()
            learned = {name: part for name, part in self.module.named_parameters() if part.requires_grad}
        else:
            learned = self._base
        self._learned = learned

    @property
    def parameters(self) -> list[torch.nn.Parameter]:
        """What is trained."""
        return list(self._learned.values())

    def know(self, row: Mapping[str, Tensor]) -> None:
        """Take what a model knows: parameters by name."""
        _put(self._learned, row)

    def known(self) -> dict[str, Tensor]:
        """Return a copy of what it knows now."""
        return {name: part.detach().clone() for name, part in self._learned.items()}

    def stand_on(self, base: Mapping[str, Tensor]) -> None:
        """Take other weights below the adapters."""
        _put(self._base, base)

    @contextmanager
    def plain(self) -> Iterator[None]:
        """Let it speak as its base does, without adapters."""
        if not self.adapted:
            yield
            return
        with self.module.disable_adapter():
            yield

    def merged(self) -> Any:
        """Return a module of its own whose weights have the adapters added to them."""
        from copy import deepcopy

        copy = deepcopy(self.module)
        return copy.merge_and_unload() if self.adapted else copy


def _put(parts: Mapping[str, Tensor], values: Mapping[str, Tensor]) -> None:
    with torch.no_grad():
        for name, part in parts.items():
            part.copy_(values[name])


def _adapted(module: Any, adapters: Adapters) -> Any:
    peft = needed("learning.language.adapters", "peft")
    config = peft.LoraConfig(
        task_type="CAUSAL_LM",
        r=adapters.rank,
        lora_alpha=adapters.alpha,
        lora_dropout=0.0,
        target_modules=None if adapters.targets is None else list(adapters.targets),
        fan_in_fan_out=any(type(part).__name__ == "Conv1D" for part in module.modules()),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # how adapters start out is the same for all models: they add nothing
        return peft.get_peft_model(module, config)
