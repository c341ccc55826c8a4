"""Deterministic weights, images and masks, equal to the last bit in Python and TypeScript.

fnv1a(key) XOR salt seeds mulberry32; element i of a tensor (row-major) takes draw i + 1. Arithmetic is in double, with
one rounding to float32 at the end.
"""

import numpy as np
import torch

# Norms of residual branches and the first filter of raw 0-255 input are damped, or activations would saturate.
DAMPED = (('stem.0.weight', 1 / 8), ('bn3.weight', 1 / 4), ('.mlp.norm3.weight', 1 / 4))


def fnv1a(text):
    h = 0x811C9DC5
    for byte in text.encode('utf-8'):
        h = ((h ^ byte) * 0x01000193) & 0xFFFFFFFF
    return h


def uniform(key, shape, salt=0):
    """float64 draws in [0, 1) of the stream that `key` and `salt` seed."""
    size = int(np.prod(shape, dtype=np.int64))
    with np.errstate(over='ignore'):
        a = np.uint32(fnv1a(key) ^ salt) + np.arange(1, size + 1, dtype=np.uint32) * np.uint32(0x6D2B79F5)
        t = (a ^ (a >> 15)) * (a | 1)
        t = (t + (t ^ (t >> 7)) * (t | 61)) ^ t
    return ((t ^ (t >> 14)) / 4294967296.0).reshape(shape)


def parameter(key, shape, salt=0):
    """The float32 value of one float entry of a state_dict, by the role that its key and shape say."""
    u = uniform(key, shape, salt)
    adjust = next((factor for suffix, factor in DAMPED if key.endswith(suffix)), 1)
    if key.endswith('.running_var'):
        value = 0.5 + u
    elif key.endswith('.running_mean'):
        value = 0.2 * (u - 0.5)
    elif len(shape) >= 2:
        value = (2 * u - 1) * np.sqrt(3 / np.prod(shape[1:])) * adjust
    elif key.endswith('bias'):
        value = 0.2 * (u - 0.5)
    else:
        value = (0.8 + 0.4 * u) * adjust
    return value.astype(np.float32)


def state_dict(model, salt=0):
    """Generated values for a model's state_dict; integer buffers and DCT bases stay as the model made them."""
    return {
        key: value
        if not value.dtype.is_floating_point or 'dct_weight_' in key
        else torch.from_numpy(parameter(key, tuple(value.shape), salt))
        for key, value in model.state_dict().items()
    }


def text_embed(salt=0):
    """Rows for 'easy' and 'hard' [2, 300]."""
    rows = [uniform(f'text_embed.{label}', [300], salt) - 0.5 for label in ('easy', 'hard')]
    return torch.from_numpy(np.stack(rows).astype(np.float32))


def image(batch, size, salt=0):
    """Values in [0, 1) with coarse and fine structure: float32 [batch, 3, size, size]."""
    index = np.arange(size) * 8 // size
    coarse = uniform('input.coarse', [batch, 3, 8, 8], salt)[:, :, index][:, :, :, index]
    fine = uniform('input', [batch, 3, size, size], salt)
    return torch.from_numpy((0.75 * coarse + 0.25 * fine).astype(np.float32))


def normalize(x):
    """ImageNet mean and standard deviation, in float32."""
    constants = torch.tensor(((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)), dtype=torch.float32)
    mean, std = constants[:, :, None, None]
    return (x - mean) / std


def masks(size):
    """One ellipse in each of two masks: float32 [2, 1, size, size]."""
    centre = (np.arange(size) + 0.5) / size
    ellipses = ((0.45, 0.55, 0.27, 0.19), (0.60, 0.40, 0.21, 0.33))
    inside = [((centre - cx) / rx) ** 2 + (((centre - cy) / ry) ** 2)[:, None] <= 1 for cx, cy, rx, ry in ellipses]
    return torch.from_numpy(np.stack(inside)[:, None].astype(np.float32))
