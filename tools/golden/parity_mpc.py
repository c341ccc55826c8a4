"""What parity fixtures hold of MPC beyond what they hold of every model: see parity.py.

cspell:ignore infonce
"""

import sys
from contextlib import contextmanager
from pathlib import Path

import torch

import generator
from parity_numbers import BATCH, SIZE, centred, default_dtype, digits

sys.path.insert(0, str(Path(__file__).parents[1] / 'bench'))
from torch_mpc import MPC, WindowAttention, info_nce  # noqa: E402

NAME = 'mpc'
HEADS = ('logits',)
MODULE_HEADS = {'encoder.convs.3': 'convs.3'}
SKIPPED = ()
# What official fixtures say beside, and the order of parameters, which makes no difference.
NOT_COMPARED = (
    *('extra', 'extra_f64', 'entries', 'by_top_module', 'keys'),
    'per_sample_[intra,cross_scale,cross_modality,[[n_real,n_forged] x4]]',
)
MASK_SIZE = SIZE // 4
LARGE = 512


def make(salt, dtype=torch.float32):
    with default_dtype(dtype):
        model = MPC()
    model.load_state_dict(generator.state_dict(model, salt), strict=True)
    return model


def image(salt):
    return generator.image(BATCH, SIZE, salt)


def other_heads(model, salt):
    """Heads of images of another size."""
    return {f'logits_{LARGE}': model(generator.image(1, LARGE, salt))}


def stage1(model, x, mask):
    return None, model.contrast(x, mask)


def stage2(model, x, mask):
    logits = model(x)
    return logits, model.loss(logits, mask)


# A stage's name in train.json, its loss, and its optimizer.
TRAININGS = {
    'stage1_': (stage1, lambda model: torch.optim.AdamW(model.encoder.parameters(), lr=1e-4, weight_decay=0.01)),
    'stage2_': (stage2, lambda model: torch.optim.AdamW(model.decoder.parameters(), lr=1e-6, weight_decay=0.01)),
}


def extra(_model, _outputs):
    return {}


@contextmanager
def watched(_model, _visit):
    yield


def units(salt):
    q, n = (centred(key, shape, salt).requires_grad_() for key, shape in (('unit.q', [12, 8]), ('unit.n', [7, 8])))
    contrast = info_nce(q, n)
    contrast.backward()

    logits = (4 * centred('unit.fp', [2, 1, 8, 8], salt)).requires_grad_()
    target = torch.from_numpy((generator.uniform('unit.ft', [2, 1, 8, 8], salt) > 0.7).astype('float32'))
    focal = MPC.loss(MPC, logits, target)
    focal.backward()

    attention = WindowAttention(12, 2)
    attention.load_state_dict(generator.state_dict(attention, salt), strict=True)
    x = centred('unit.isa', [1, 80, 12], salt).requires_grad_()
    y = attention(x, 8, 10)
    (y * centred('unit.isa.g', [1, 80, 12], salt)).sum().backward()
    return {
        'infonce': {
            'loss': float(contrast),
            'grad_q': digits(q.grad.flatten()),
            'grad_n': digits(n.grad.flatten()),
        },
        'focal': {'loss': float(focal), 'grad': digits(logits.grad.flatten()), 't_sum': float(target.sum())},
        'isa_attention': {
            'y': digits(y.flatten()),
            'grad_x': digits(x.grad.flatten()),
            'grad_rpb_first': digits(attention.attn.relative_position_bias_table.grad.flatten()[:24]),
        },
    }
