"""Stacked training is what each network would learn alone, by a plain loop of torch modules."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from ecosystem.learners.neural.diffusion import Diffusion
from ecosystem.learners.neural.flow import Flow
from ecosystem.learners.neural.training import Course, Pupil, learning_rate, trained
from ecosystem.learners.neural.vae import Vae
from ecosystem.scenario.fields.neural import DiffusionNetwork, FlowNetwork, Training, VaeNetwork
from ecosystem.threads import one_thread
from ecosystem.world.streams import stream

PIXELS, CLASSES, EXAMPLES = 18, 3, 45
VAE = VaeNetwork(kind="vae", width=20, depth=2, latent=5, noise=0.2)
DIFFUSION = DiffusionNetwork(kind="diffusion", width=20, depth=2, steps=3)
FLOW = FlowNetwork(kind="flow", width=20, depth=2, solver="heun", steps=3)


def network(kind):
    made = {"vae": (Vae, VAE), "flow": (Flow, FLOW), "diffusion": (Diffusion, DIFFUSION)}[kind]
    return made[0](made[1], PIXELS, CLASSES)


def pupils(n):
    return [Pupil(seed=number // 2, model=number % 2) for number in range(n)]


def stack(net, who):
    each = [net.fresh(stream(one.seed, "images.network", 0, one.model)) for one in who]
    return {name: torch.from_numpy(np.stack([weights[name] for weights in each])) for name in each[0]}


def data(net, n, examples=EXAMPLES, seed=0):
    generator = np.random.default_rng(seed)
    rows = np.zeros((n, examples, net.row), dtype=np.float32)
    label = generator.integers(CLASSES, size=(n, examples))
    rows[..., :PIXELS] = (generator.random((n, examples, PIXELS)) + label[..., None]) / CLASSES
    np.put_along_axis(rows, PIXELS + label[..., None], 1.0, -1)
    return torch.from_numpy(rows)


def perceptron(weights, part, number, widths):
    """A plain module with the weights of one network."""
    layers = []
    for k, (inputs, outputs) in enumerate(pairwise(widths)):
        layer = nn.Linear(inputs, outputs)
        with torch.no_grad():
            layer.weight.copy_(weights[f"{part}.{k}.weight"][number, :inputs, :outputs].T)
            layer.bias.copy_(weights[f"{part}.{k}.bias"][number, 0, :outputs])
        layers += [layer, nn.SiLU()]
    return nn.Sequential(*layers[:-1])


def plain_vae(weights, number):
    encoder = perceptron(weights, "encoder", number, [PIXELS + CLASSES, 20, 20, 10])
    decoder = perceptron(weights, "decoder", number, [5 + CLASSES, 20, 20, PIXELS])

    def loss(x, c, noise):
        mean, log_variance = encoder(torch.cat([x, c], 1)).chunk(2, 1)
        latent = torch.distributions.Normal(mean, (log_variance / 2).exp())
        guess = decoder(torch.cat([latent.mean + latent.stddev * noise, c], 1))
        prior = torch.distributions.Normal(torch.zeros_like(mean), 1.0)
        divergence = torch.distributions.kl_divergence(latent, prior).sum(1)
        return (((x - guess) ** 2).sum(1) / (2 * 0.2) + divergence).mean()

    return [encoder, decoder], loss


def plain_flow(weights, number):
    velocity = perceptron(weights, "layer", number, [PIXELS + 3 + CLASSES, 20, 20, PIXELS])

    def loss(x, c, noise):
        x1, x0, t = 2 * x - 1, noise[:, :-1], noise[:, -1:]
        time = torch.cat([t, torch.cos(torch.pi * t), torch.sin(torch.pi * t)], 1)
        seen = (1 - t) * x0 + t * x1
        normal = (0.25 * t - (1 - t)) / (0.25 * t**2 + (1 - t) ** 2)  # of images N(0, 1/4)
        guess = velocity(torch.cat([seen, time, c], 1)) + normal * seen
        return ((guess - (x1 - x0)) ** 2).sum(1).mean()

    return [velocity], loss


def plain_diffusion(weights, number):
    guess = perceptron(weights, "layer", number, [PIXELS + 3 + CLASSES, 20, 20, PIXELS])

    def loss(x, c, noise):
        x0, e, t = 2 * x - 1, noise[:, :-1], noise[:, -1:]
        time = torch.cat([t, torch.cos(torch.pi * t), torch.sin(torch.pi * t)], 1)
        seen = torch.cos(torch.pi * t / 2) * x0 + torch.sin(torch.pi * t / 2) * e
        return ((guess(torch.cat([seen, time, c], 1)) - x0) ** 2).sum(1).mean()

    return [guess], loss


PLAIN = {Vae: plain_vae, Flow: plain_flow, Diffusion: plain_diffusion}


def alone(net, settings, weights, rows, number, who):
    """Train one network by a plain loop; its losses, step by step."""
    modules, loss = PLAIN[type(net)](weights, number)
    optimiser = torch.optim.Adam([p for module in modules for p in module.parameters()], lr=settings.rate)
    order, noises = (stream(who.seed, f"lesson.{what}", 4, who.model) for what in ("order", "noise"))
    every = order.permutation(EXAMPLES)
    read = np.concatenate([order.permutation(every) for _ in range(settings.steps)])
    draws = np.concatenate([net.noise(noises, k, settings.batch) for k in (50, settings.steps - 50)])
    losses = []
    for step in range(settings.steps):
        some = rows[number, read[step * settings.batch : (step + 1) * settings.batch]]
        optimiser.param_groups[0]["lr"] = learning_rate(settings, step)
        optimiser.zero_grad()
        now = loss(some[:, :PIXELS], some[:, PIXELS : PIXELS + CLASSES], torch.from_numpy(draws[step]))
        now.backward()
        optimiser.step()
        losses.append(float(now.detach()))
    return modules, losses


@pytest.mark.parametrize("kind", ["vae", "flow", "diffusion"])
def test_stacked_networks_learn_what_each_learns_alone(kind):
    net, settings = network(kind), Training(steps=60, rate=3e-3, batch=7, schedule="cosine", warm_up=5)
    who = pupils(3)
    before, rows = stack(net, who), data(net, 3)
    after, loss = trained(Course(net, settings, "lesson", 4), before, rows, who)
    for number, one in enumerate(who):
        modules, losses = alone(net, settings, before, rows, number, one)
        assert float(loss[number]) == pytest.approx(np.mean(losses[-50:]), rel=1e-4)
        for part, module in zip(("encoder", "decoder") if kind == "vae" else ("layer",), modules, strict=True):
            for k, layer in enumerate(module[::2]):
                ours = after[f"{part}.{k}.weight"][number, : layer.in_features, : layer.out_features].T
                moved = before[f"{part}.{k}.weight"][number, : layer.in_features, : layer.out_features].T
                assert float((layer.weight.detach() - moved).abs().max()) > 1e-2
                torch.testing.assert_close(ours, layer.weight.detach(), rtol=1e-3, atol=2e-4)
                torch.testing.assert_close(
                    after[f"{part}.{k}.bias"][number, 0, : layer.out_features],
                    layer.bias.detach(),
                    rtol=1e-3,
                    atol=2e-4,
                )


@pytest.mark.parametrize("kind", ["vae", "flow", "diffusion"])
def test_padding_stays_nothing(kind):
    net, who = network(kind), pupils(2)
    after, _ = trained(Course(net, Training(steps=20, rate=1e-2), "a", 0), stack(net, who), data(net, 2), who)
    for name, (inputs, outputs) in net.layers.items():
        weight, bias = after[f"{name}.weight"], after[f"{name}.bias"]
        assert weight.shape[1] % 16 == weight.shape[2] % 16 == 0
        assert (weight[:, inputs:] == 0).all() and (weight[:, :, outputs:] == 0).all()
        assert (bias[..., outputs:] == 0).all()


@pytest.mark.parametrize("kind", ["vae", "flow", "diffusion"])
@pytest.mark.parametrize("patience", [None, 2])
def test_a_network_gets_the_same_bits_alone_and_among_others(kind, patience):
    net, settings = network(kind), Training(steps=30, rate=1e-2, batch=9, patience=patience, every=5)
    who = pupils(35)  # more than one block
    before, rows = stack(net, who), data(net, 35)
    course = Course(net, settings, "a", 2)
    with one_thread():
        whole, losses = trained(course, before, rows, who)
        for some in (slice(0, 1), slice(1, 4), slice(15, 18), slice(34, 35)):
            part, loss = trained(course, {n: v[some] for n, v in before.items()}, rows[some], who[some])
            assert torch.equal(loss, losses[some])
            assert all(torch.equal(part[name], whole[name][some]) for name in part)
    assert len({float(loss) for loss in losses}) == 35


def test_models_of_one_pupil_share_all_random_numbers():
    net, who = network("vae"), [Pupil(1, 0), Pupil(1, 1), Pupil(1, 0)]
    rows = data(net, 1).expand(3, -1, -1).contiguous()
    same = stack(net, [Pupil(0, 0)] * 3)
    after, _ = trained(Course(net, Training(steps=10, rate=1e-2), "a", 0), same, rows, who)
    name = "encoder.0.weight"
    assert torch.equal(after[name][0], after[name][2])
    assert not torch.equal(after[name][0], after[name][1])


def test_early_stopping_keeps_what_was_best_on_what_was_held_out():
    """Few noisy examples are soon learned by heart: what is kept is better on others than the last weights."""
    net = Vae(VaeNetwork(kind="vae", width=64, latent=5, noise=0.01), PIXELS, CLASSES)
    who = pupils(2)
    generator = np.random.default_rng(0)
    rows = data(net, 2, 40)
    rows[..., :PIXELS] = torch.from_numpy(generator.random((2, 40, PIXELS)).astype(np.float32))
    course = {"steps": 600, "rate": 5e-3, "batch": 20, "every": 10}
    patient = Training(**course, patience=3, held_out=0.5)
    kept, best = trained(Course(net, patient, "a", 0), stack(net, who), rows, who)
    fewer = Training(**course | {"steps": 10}, patience=3, held_out=0.5)
    _, first = trained(Course(net, fewer, "a", 0), stack(net, who), rows, who)
    assert (best < first).all()
    endless = Training(**course, patience=10_000, held_out=0.5)
    _, least = trained(Course(net, endless, "a", 0), stack(net, who), rows, who)
    assert (least <= best).all()
    new = data(net, 2, 400, seed=9)
    new[..., :PIXELS] = torch.from_numpy(generator.random((2, 400, PIXELS)).astype(np.float32))
    over, _ = trained(Course(net, Training(**course), "a", 0), stack(net, who), rows, who)
    noise = torch.from_numpy(net.noise(generator, 2, 400))
    with torch.no_grad():
        assert (net.loss(kept, new, noise) < net.loss(over, new, noise)).all()


def test_who_stops_early_does_not_depend_on_who_goes_on():
    net, settings = network("vae"), Training(steps=400, rate=3e-2, batch=9, patience=1, every=5)
    who = pupils(6)
    before, rows = stack(net, who), data(net, 6)
    with one_thread():
        whole, losses = trained(Course(net, settings, "a", 0), before, rows, who)
        for number in range(6):
            some = slice(number, number + 1)
            part, loss = trained(
                Course(net, settings, "a", 0), {n: v[some] for n, v in before.items()}, rows[some], who[some]
            )
            assert torch.equal(loss, losses[some])
            assert all(torch.equal(part[name], whole[name][some]) for name in part)


@pytest.mark.parametrize(("solver", "order"), [("euler", 1), ("heun", 2)])
def test_the_error_of_a_solver_falls_at_its_order(solver, order):
    def drawn(steps):
        net = Flow(FlowNetwork(kind="flow", width=20, depth=2, solver=solver, steps=steps), PIXELS, CLASSES)
        weights = {name: value.double() for name, value in stack(net, pupils(1)).items()}
        noise = torch.from_numpy(np.random.default_rng(0).standard_normal((1, 8, PIXELS))) / 4
        asked = torch.eye(CLASSES, dtype=torch.float64)[torch.arange(8) % CLASSES][None]
        return net.draw(weights, noise, asked)

    exact = drawn(1024)
    assert float(exact.min()) > 0 and float(exact.max()) < 1  # nothing is clipped
    errors = [float((drawn(steps) - exact).abs().max()) for steps in (16, 32, 64)]
    rates = [np.log2(a / b) for a, b in pairwise(errors)]
    assert rates == pytest.approx([order] * 2, abs=0.35)


def test_diffusion_draws_points_of_a_known_law_from_the_best_guess():
    """Of images N(m, s²) the best guess is linear in x_t; drawing with it gives N(m, s²) back as steps grow."""
    m, s = 0.2, 0.3

    class Known(Diffusion):
        def told(self, stack, x, t, asked):
            cos, sin = (torch.pi / 2 * t).cos(), (torch.pi / 2 * t).sin()
            return m + s**2 * cos / (s**2 * cos**2 + sin**2) * (x - cos * m)

    noise = torch.from_numpy(np.random.default_rng(0).standard_normal((1, 500, PIXELS)))
    net = Known(DiffusionNetwork(kind="diffusion", steps=1000), PIXELS, CLASSES)
    drawn = 2 * net.draw({}, noise, torch.zeros(1, 500, CLASSES)) - 1
    torch.testing.assert_close(drawn, (m + s * noise).clamp(-1, 1), rtol=0, atol=5e-3)


def test_a_flow_that_adds_nothing_draws_normal_images_of_its_spread():
    class Nothing(Flow):
        def told(self, stack, x, t, asked):
            return torch.zeros_like(x)

    noise = torch.from_numpy(np.random.default_rng(0).standard_normal((1, 500, PIXELS)))
    net = Nothing(FlowNetwork(kind="flow", steps=200), PIXELS, CLASSES)
    drawn = 2 * net.draw({}, noise, torch.zeros(1, 500, CLASSES)) - 1
    torch.testing.assert_close(drawn, (noise / 2).clamp(-1, 1), rtol=0, atol=2e-3)
