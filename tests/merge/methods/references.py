"""Every method once more in float64, written for the reading and not for speed; nothing of the package is used."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

Array = np.ndarray
Weights = Sequence[float]


def triple_sum(a: Array, others: list[Array], w: Weights, base: Array) -> Array:
    return (1 - w[0] - w[1]) * a + w[0] * others[0] + w[1] * others[1]


def ties(a: Array, others: list[Array], w: Weights, base: Array, density: float = 0.2) -> Array:
    deltas = []
    for x in others:
        delta = x - base
        least = np.sort(np.abs(delta).ravel())[::-1][round(density * delta.size) - 1]
        deltas.append(np.where(np.abs(delta) >= least, delta, 0))
    result = a.copy()
    for place in np.ndindex(a.shape):
        terms = [wi * delta[place] for wi, delta in zip(w, deltas, strict=True)]
        elected = np.sign(sum(terms))
        left = [term for term in terms if term and np.sign(term) == elected]
        result[place] += sum(left) / max(1, len(left))
    return result


def breadcrumbs(a: Array, others: list[Array], w: Weights, base: Array, smallest: float = 0.85, largest: float = 0.01) -> Array:
    result = a.copy()
    for x, wi in zip(others, w, strict=True):
        delta = x - base
        falling = np.sort(np.abs(delta).ravel())[::-1]
        outliers, wanted = round(largest * delta.size), round((1 - smallest) * delta.size)
        for place in np.ndindex(a.shape):
            size = abs(delta[place])
            if wanted and size >= falling[wanted - 1] and not (outliers and size >= falling[outliers - 1]):
                result[place] += wi * delta[place]
    return result


def slerp(a: Array, others: list[Array], w: Weights, base: Array) -> Array:
    b, t = others[0], w[0]
    la, lb = np.linalg.norm(a), np.linalg.norm(b)
    # The angle from the length of the chord: no arc cosine of a number near 1.
    angle = 2 * math.asin(np.linalg.norm(a / la - b / lb) / 2)
    mixed = math.sin((1 - t) * angle) * a / la + math.sin(t * angle) * b / lb
    return mixed / math.sin(angle) * ((1 - t) * la + t * lb)


def karcher_mean(a: Array, others: list[Array], w: Weights, base: Array) -> Array:
    tensors, masses = [a, *others], [1 - sum(w), *w]
    lengths = [np.linalg.norm(x) for x in tensors]
    units = [x / length for x, length in zip(tensors, lengths, strict=True)]
    y = sum(m * u for m, u in zip(masses, units, strict=True))
    y /= np.linalg.norm(y)
    for _ in range(100):
        step = np.zeros_like(y)
        for m, u in zip(masses, units, strict=True):
            away = u - np.sum(u * y) * y
            sine = np.linalg.norm(away)
            if sine > 0:
                step += m * math.atan2(sine, np.sum(u * y)) * away / sine
        y = y + step
        y /= np.linalg.norm(y)
    return y * sum(m * length for m, length in zip(masses, lengths, strict=True))


def geometric_median(a: Array, others: list[Array], w: Weights, base: Array) -> Array:
    tensors, masses = [a, *others], [1 - sum(w), *w]
    y = sum(m * x for m, x in zip(masses, tensors, strict=True))
    for _ in range(2000):
        pulls = [m / max(np.linalg.norm(y - x), 1e-300) for m, x in zip(masses, tensors, strict=True)]
        y = sum(p * x for p, x in zip(pulls, tensors, strict=True)) / sum(pulls)
    return y


def model_stock(a: Array, others: list[Array], w: Weights, base: Array) -> Array:
    learned = [x - base for x in (a, *others)]
    cosines = [np.sum(x * y) / np.linalg.norm(x) / np.linalg.norm(y) for i, x in enumerate(learned) for y in learned[:i]]
    cosine, n = max(0.0, float(np.mean(cosines))), len(learned)
    t = n * cosine / (1 + (n - 1) * cosine)
    return base + t * sum(m * x for m, x in zip((1 - sum(w), *w), learned, strict=True))


def perpendicular(a: Array, others: list[Array], w: Weights, base: Array) -> Array:
    own = (a - base) / np.linalg.norm(a - base)
    return a + sum(wi * ((x - base) - own * np.sum(own * (x - base))) for x, wi in zip(others, w, strict=True))


def crossover(a: Array, others: list[Array], w: Weights, base: Array, tilt: float = 0.5) -> Array:
    r = np.zeros(a.shape)
    for axis, n in enumerate(a.shape):
        f = np.abs(np.fft.fftfreq(n)) * 2
        r += (f**2).reshape([-1 if i == axis else 1 for i in range(a.ndim)])
    share = np.clip((w[0] * (1 + tilt) - np.sqrt(r / a.ndim)) / tilt, 0, 1)
    return np.real(np.fft.ifftn(np.fft.fftn(a) * (1 - share) + np.fft.fftn(others[0]) * share))


def _at(x: Array, place: tuple[int, ...]) -> float:
    """Edges mirrored, the edge itself twice."""
    inside = [min(i % (2 * n), 2 * n - 1 - i % (2 * n)) for i, n in zip(place, x.shape, strict=True)]
    return float(x[tuple(inside)])


def smooth_add(a: Array, others: list[Array], w: Weights, base: Array) -> Array:
    x = others[0] - base
    median = np.empty_like(x)
    for place in np.ndindex(x.shape):
        around = np.ndindex((3,) * x.ndim)
        median[place] = np.median([_at(x, tuple(p + s - 1 for p, s in zip(place, shift, strict=True))) for shift in around])
    for axis in range(x.ndim):
        blurred = np.zeros_like(median)
        bell = [math.exp(-k * k / 2) for k in range(-4, 5)]
        for place in np.ndindex(x.shape):
            for k in range(-4, 5):
                moved = tuple(p + k if i == axis else p for i, p in enumerate(place))
                blurred[place] += bell[k + 4] / sum(bell) * _at(median, moved)
        median = blurred
    return a + w[0] * median


def _cosine(x: Array, y: Array, axis: int | None) -> Array:
    lengths = np.sqrt(np.sum(x * x, axis) * np.sum(y * y, axis))
    return np.where(lengths > 0, np.sum(x * y, axis) / np.where(lengths > 0, lengths, 1), 0)


def cosine_a(a: Array, others: list[Array], w: Weights, base: Array, low: float = 0.0, high: float = 1.0) -> Array:
    b = others[0]
    unit_a, unit_b = (x / np.linalg.norm(x, axis=0) for x in (a, b))
    combined = (_cosine(unit_a, unit_b, 0) + _cosine(unit_a, unit_b, None)) / 2
    k = np.clip((combined - low) / (high - low) - abs(w[0]), 0, 1)
    return a * k + b * (1 - k)


def cosine_b(a: Array, others: list[Array], w: Weights, base: Array, low: float = 0.0, high: float = 1.0) -> Array:
    b = others[0]
    k = np.clip(((_cosine(a, b, 0) + _cosine(a, b, None)) / 2 - low) / (high - low) - w[0], 0, 1)
    return a * k + b * (1 - k)


def extract(a: Array, others: list[Array], w: Weights, base: Array, beta: float = 0.0, gamma: float = 1.0) -> Array:
    b, c = others[0] - a, others[1] - a
    d = ((_cosine(b, c, -1) + 1) / 2) ** gamma
    d = d[..., None]
    return a + (w[0] * b + w[1] * c) * (d * (1 - beta) + (1 - d) * beta)


REFERENCES: dict[str, Callable[..., Array]] = {
    each.__name__: each
    for each in (
        triple_sum, smooth_add, crossover, cosine_a, cosine_b, extract, ties, breadcrumbs,
        slerp, karcher_mean, geometric_median, model_stock, perpendicular,
    )
}  # fmt: skip
