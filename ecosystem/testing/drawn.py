"""The laws of crafts, which make models that are really trained, and of judges of what they draw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ecosystem.learners.batch import Batch
from ecosystem.learners.craft import Craft, Lessons
from ecosystem.learners.drawn import DrawnLearner
from ecosystem.scenario.fields.judges import JudgeBlock
from ecosystem.scenario.scenario import Scenario
from ecosystem.testing.laws import Member, after, as_block, law, same_bits
from ecosystem.world.blueprint import blueprint

_LOTS, _CANDIDATES = 3, 2
_ITEMS = 6


def check_judge(
    judge: Member,
    outputs: Mapping[str, Any],
    *,
    learning: Mapping[str, Any] | None = None,
    craft: type[Craft] | None = None,
    **settings: Any,
) -> None:
    """Check that a judge keeps to the laws of judges, on real items of a kind of outputs.

    It gives a finite number for each item, which depends on the item and its context alone, the same each time; no
    number is above the largest that it states; items are not changed in place.

    Parameters
    ----------
    judge : mapping or type
        A judge as it stands under `rewards`; or the class of a plug-in.
    outputs : mapping
        The `outputs` block whose items are judged.
    learning : mapping, optional
        Further settings of `learning`.
    craft : type of Craft, optional
        What makes such outputs, where no package brings it.
    **settings
        Of the judge.

    Raises
    ------
    AssertionError
        With the law that is broken.
    """
    with as_block(judge, settings, craft) as block:
        learner = _learner([_scenario(outputs, {"it": block}, learning)], [0])
        items, context = _real(learner)
        before = items.clone()
        values = learner.judges.values(items, context)
        same_bits(items, before, "items must not be changed in place")
        law(
            values.shape == (*context.shape, 1), f"a judge must give a number for each item (got {tuple(values.shape)})"
        )
        law(bool(torch.isfinite(values).all()), "what items are worth must be finite")
        same_bits(values, learner.judges.values(items, context), "a judge must say the same each time")
        order = torch.arange(context.shape[-1] - 1, -1, -1)
        moved = learner.judges.values(items[:, :, order], context[:, :, order])
        _close(moved, values[:, :, order], "what an item is worth must not depend on the others")
        one = learner.judges.values(items[:, :1, :1], context[:, :1, :1])
        _close(one, values[:, :1, :1], "what an item is worth must not depend on the others")
        named = learner.batch.worlds[0].scenario.rewards["it"]
        largest = named.largest if isinstance(named, JudgeBlock) else float("nan")
        law(not bool((values > largest + 1e-6).any()), f"no value may be above the largest, {largest:g}")


def check_craft(
    outputs: Mapping[str, Any],
    rewards: Mapping[str, Any],
    *,
    craft: type[Craft] | None = None,
    learning: Mapping[str, Any] | None = None,
) -> None:
    """Check that a craft keeps to the laws of crafts.

    Shapes are those that it states; a world alone has the bits that it has among others, after rounds of training too;
    a further candidate, or lot, leaves the others what they are; similarity is from 0 to 1; measures are those that it
    names, and finite; training changes nothing in place; what is kept of items is text or bytes.

    Parameters
    ----------
    outputs : mapping
        The `outputs` block.
    rewards : mapping
        The `rewards` block, judges that the craft knows; at least one.
    craft : type of Craft, optional
        What makes such outputs, where no package brings it.
    learning : mapping, optional
        Further settings of `learning`.

    Raises
    ------
    AssertionError
        With the law that is broken.
    """
    with as_block({}, {}, craft):
        scenario = _scenario(outputs, rewards, learning)
        learner = _learner([scenario], [0, 1])
        made = learner.craft
        worlds, models, contexts = 2, 2, learner.batch.contexts
        weights, loss = made.begin()
        law(loss.shape == (worlds, models), f"there must be a loss for each model (got {tuple(loss.shape)})")
        for name, tensor in weights.items():
            law(tensor.shape[:2] == (worlds, models), f"weights {name} must be [worlds, models, …]")
        items = made.write(weights, 0, _LOTS, _CANDIDATES)
        wanted = (worlds, models, contexts, _LOTS, _CANDIDATES, *made.item)
        law(items.shape == wanted, f"items must be {wanted} (got {tuple(items.shape)})")
        law(items.dtype == made.dtype, f"items must be of type {made.dtype} (got {items.dtype})")
        fewer = made.write(weights, 0, _LOTS, 1)
        same_bits(items[:, :, :, :, :1], fewer, "a further candidate must leave the others")
        _real_items(learner)
        _told(learner, items, weights, loss, len(rewards))
        _trained(learner, weights, items)
        together = _rounds(scenario, [0, 1])
        for seed in (0, 1):
            alone = _rounds(scenario, [seed])
            same_bits(together[seed], alone[0], "a world must have the same bits alone and among others")
        shown = made.show(items.flatten(0, 4))
        law(len(shown) == len(items.flatten(0, 4)), "what is kept must be one for each item")
        law(all(isinstance(one, (str, bytes)) for one in shown), "what is kept of items must be text or bytes")


def _real_items(learner: DrawnLearner) -> None:
    """Check real data: their shape, and that a world's are its own."""
    items, context = _real(learner)
    wanted = (*context.shape, *learner.craft.item)
    law(items.shape == wanted, f"real items must be {wanted} (got {tuple(items.shape)})")
    again, _ = _real(_learner([learner.batch.worlds[1].scenario], [1]))
    same_bits(items[1:], again, "real data of a world must not depend on the others")


def _told(learner: DrawnLearner, items: Tensor, weights: Any, loss: Tensor, rewards: int) -> None:
    """Check what is said of items."""
    made = learner.craft
    context = torch.arange(items.shape[2])[:, None, None].expand(items.shape[:5])
    judged = made.judge(items, context)
    law(judged.shape == (*context.shape, rewards), f"judges must say {rewards} numbers of each item")
    law(bool(torch.isfinite(judged).all()), "what judges say must be finite")
    similarity = made.similarity(items, context)
    law(similarity.shape == context.shape, "similarity must be a number for each item")
    law(bool(((similarity >= 0) & (similarity <= 1)).all()), "similarity must be from 0 to 1")
    measured = made.measure(items[:, :, :, :, 0], loss, weights)
    names = {"distance_real", *made.measures}
    law(names <= set(measured), f"what is measured must be {sorted(names)} (got {sorted(measured)})")
    for name in names:
        value = measured[name]
        law(value.shape == loss.shape and bool(torch.isfinite(value).all()), f"{name} must be a finite number a model")


def _trained(learner: DrawnLearner, weights: Any, items: Tensor) -> None:
    """Check that training leaves what was known, and that it does something with all weights in place."""
    before = {name: tensor.clone() for name, tensor in weights.items()}
    read = items[:, :, :, :, 0].flatten(2, 3)
    context = torch.arange(items.shape[2])[:, None].expand(items.shape[:4]).flatten(2, 3)
    after_, loss = learner.craft.train(weights, weights, Lessons(read, context, read), 0)
    for name, tensor in before.items():
        same_bits(tensor, weights[name], "training must not change in place what models know")
    law(set(after_) == set(weights), "training must give the same weights by name")
    for name, tensor in after_.items():
        law(tensor.shape == weights[name].shape, f"training must keep the shape of {name}")
    law(bool(torch.isfinite(loss).all()), "the loss must be finite")


def _scenario(outputs: Mapping[str, Any], rewards: Mapping[str, Any], learning: Mapping[str, Any] | None) -> Scenario:
    first, last = next(iter(rewards)), list(rewards)[-1]
    return Scenario(
        name="drawn",
        rounds=2,
        mode="sampled",
        outputs=dict(outputs),
        rewards=dict(rewards),
        models=[
            {
                "name": "p",
                "reward": first,
                "diet": {"real": 0.5, "curated": 0.5},
                "curation": {"method": "luce", "candidates": 2},
            },
            {"name": "q", "reward": last, "diet": {"real": 0.2, "raw": 0.5, "neighbours_curated": 0.3}},
        ],
        network={"edges": [{"from": "p", "to": "q"}]},
        learning={"examples": 24, **(learning or {})},
    )


def _learner(scenarios: list[Scenario], seeds: list[int]) -> DrawnLearner:
    return DrawnLearner(Batch([blueprint(scenario, seed) for scenario in scenarios for seed in seeds]))


def _rounds(scenario: Scenario, seeds: list[int]) -> Tensor:
    """Return what is said of models after two rounds, ``[worlds, models, contexts, numbers]``."""
    return after(dict.fromkeys(seeds, scenario), 2).state.p


def _real(learner: DrawnLearner) -> tuple[Tensor, Tensor]:
    """Return real items and their contexts, ``[worlds, models, n]``."""
    batch = learner.batch
    context = (torch.arange(_ITEMS) % batch.contexts).expand(batch.size, batch.models, -1)
    return learner.craft.real(0, context), context


def _close(one: Tensor, other: Tensor, text: str) -> None:
    # A network may round otherwise in another batch; what it says is the same.
    law(torch.allclose(one, other, rtol=1e-4, atol=1e-5), text)
