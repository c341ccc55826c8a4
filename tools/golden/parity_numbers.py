"""What the parity fixtures of all models share: sizes, and numbers as the fixtures write them."""

from contextlib import contextmanager

import numpy as np
import torch

import generator

BATCH, SIZE = 2, 256

def digits(value, count=9):
    """A number, or nested numbers, with `count` significant digits."""
    if torch.is_tensor(value):
        value = value.detach().tolist()
    return [digits(v, count) for v in value] if isinstance(value, (list, tuple)) else float(f'{value:.{count}g}')


def samples(x):
    """The first eight elements and eight spread over the whole tensor, in row-major order."""
    flat = x.detach().flatten()
    return flat[:8], flat[(torch.arange(8) * 2 + 1) * flat.numel() // 16]


def statistics(x):
    double = x.detach().double()
    first, mid = samples(x)
    return {
        'shape': list(x.shape),
        'mean': digits(double.mean()),
        'std': digits(double.std(unbiased=False)),
        'l2': digits(double.norm()),
        'first8': digits(first),
        'mid8': digits(mid),
    }


def relative_difference(x, exact):
    return float((x.double() - exact).norm() / (exact.norm() + 1e-300))


def noise(x, exact):
    difference = torch.cat(samples(x)).double() - torch.cat(samples(exact))
    return {'noise': digits(relative_difference(x, exact), 2), 'noise_first8': digits(difference.abs().max(), 2)}


def centred(key, shape, salt):
    """Draws in [-1, 1)."""
    return torch.from_numpy((2 * generator.uniform(key, shape, salt) - 1).astype(np.float32))


@contextmanager
def default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
