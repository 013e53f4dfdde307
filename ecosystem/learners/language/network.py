"""One module of `transformers` that takes the weights of model after model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from inspect import signature
from typing import Any

import torch
from torch import Tensor

from ecosystem.errors import EcosystemError, shorten
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


def plain(module: Any) -> Any:
    """Return a model below its adapters."""
    return module.get_base_model() if hasattr(module, "get_base_model") else module


def said(module: Any, ids: Tensor, there: Tensor, place: Tensor, last: int, cache: Any = None) -> Tensor:
    """Return what a model says of the token after each of the last ones, as logits ``[n, last, vocabulary]``.

    Parameters
    ----------
    module : transformers.PreTrainedModel
        The model.
    ids, place : Tensor
        Tokens, and the place of each in its text, ``[n, tokens]``.
    there : Tensor
        Which tokens are no padding, those in the cache included, ``[n, tokens in all]``.
    last : int
        Of how many tokens; of the others no logits are computed, unless in training or where the model cannot.
    cache : transformers.Cache, optional
        What it has computed of earlier tokens; it takes what it computes now.
    """
    known = signature(type(plain(module)).forward).parameters
    given: dict[str, Any] = {"use_cache": cache is not None}
    if "position_ids" in known:  # else it counts by itself
        given["position_ids"] = place
    if "logits_to_keep" in known and not torch.is_grad_enabled():  # a gradient of fewer rows is rounded otherwise
        given["logits_to_keep"] = last
    if cache is not None:  # its name has changed
        given["cache" if "cache" in known else "past_key_values"] = cache
    logits: Tensor = module(input_ids=ids, attention_mask=there, **given).logits
    return logits[:, -last:]


def check_module(module: Any, tokenizer: Any, what: str) -> None:
    """Raise where a module cannot write the tokenizer's texts, from left to right.

    Raises
    ------
    EcosystemError
        It has fewer tokens than the tokenizer, or what it says of a token depends on later ones, as in an encoder.
    """
    known = module.get_input_embeddings().num_embeddings
    if len(tokenizer) > known:
        raise EcosystemError(
            f"{what}: its tokenizer has {len(tokenizer)} tokens, the model {known}; they do not belong together"
        )
    ids = torch.tensor([[0, 1, 2, 3], [0, 1, 2, 4]]) % known
    with torch.no_grad():
        one, other = module.eval()(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False).logits[:, :3]
    if not torch.allclose(one, other, rtol=1e-4, atol=1e-4 * float(one.abs().max())):
        raise EcosystemError(
            f"{what}: is no causal language model (it is of type {module.config.model_type}): what it says of a token "
            "depends on later ones, as in an encoder; name one that writes from left to right"
        )


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
        try:
            return peft.get_peft_model(module, config)
        except ValueError as error:
            raise EcosystemError(_no_targets(module, adapters)) from error


def _no_targets(module: Any, adapters: Adapters) -> str:
    matrices = [name for name, part in module.named_parameters() if part.dim() == 2 and name.endswith(".weight")]
    known = f"known here: {', '.join(sorted({name.split('.')[-2] for name in matrices}))}"
    where = f"learning.language.adapters.targets: {{}} of a model of type {module.config.model_type}"
    if adapters.targets is None:
        return f"{where.format('say which modules')} get one; {known}"
    return f"{where.format('no module')} can take one (got {', '.join(map(shorten, adapters.targets))}); {known}"
