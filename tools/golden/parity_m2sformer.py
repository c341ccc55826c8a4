"""What a parity fixture holds of M2SFormer beyond what it holds of every model: see parity.py.

cspell:ignore absmax curv
"""

import sys
from contextlib import contextmanager
from pathlib import Path

import torch

import generator
from parity_numbers import BATCH, SIZE, centred, default_dtype, digits, statistics

sys.path.insert(0, str(Path(__file__).parents[1] / 'bench'))
import torch_models  # noqa: E402
from torch_models import M2SFormer, TextGuidedAttention, curvature, edge_magnitude, positive_weight  # noqa: E402

LABELS = ('easy', 'hard')
NAME = 'm2sformer'
HEADS = ('prediction', 'edge', 'global_prior')
# Heads that are outputs of modules, by the module's path.
MODULE_HEADS = {'global_prior.0': 'global_prior_8x8'}
SKIPPED = ('feature_encoding',)
NOT_COMPARED = ()


def make(salt, dtype=torch.float32):
    with default_dtype(dtype):
        model = M2SFormer()
    model.load_state_dict(generator.state_dict(model, salt), strict=True)
    model.text_embed = generator.text_embed(salt).to(dtype)
    return model


def image(salt):
    return generator.normalize(generator.image(BATCH, SIZE, salt))


def optimizer(parameters):
    return torch.optim.AdamW(parameters, lr=1e-4, weight_decay=1e-4)


@contextmanager
def watched(model, visit):
    """Calls visit(name, tensor) for tensors between modules while the model runs."""
    block = model.skip_connection_module.msms_block
    attention, difficulty = block.channel_attention, model.difficulty

    def channel_attention(x):
        weights = attention(x)
        visit('skip_connection_module.msms_block.multi_spectral_attention_map', weights)
        return weights

    def visited_difficulty(prior):
        for name, value in curvature(prior).items():
            visit(f'curvature.{name}', value)
        labels = difficulty(prior)
        visit('text_feature', model.text_embed[labels])
        return labels

    block.channel_attention, model.difficulty = channel_attention, visited_difficulty
    try:
        yield
    finally:
        del block.channel_attention, model.difficulty


def extra(_model, outputs):
    kappa = curvature(outputs[2].detach())['kappa']
    score = kappa.sum((1, 2, 3))
    return {
        'curvature_score': digits(score),
        'difficulty': [LABELS[int(s > 0)] for s in score],
        'kappa_absmax': digits(kappa.abs().max()),
        'kappa_abs_sum': digits(kappa.abs().sum((1, 2, 3))),
    }


def curvature_unit(salt):
    parts = curvature(centred('unit.curv', [3, 1, 16, 16], salt))
    score = parts['kappa'].sum((1, 2, 3))
    return {
        'input': "key 'unit.curv' [3,1,16,16], value 2u-1",
        **{name: digits(parts[name][0].flatten()) for name in ('fx', 'fxy', 'fyy')},
        'kappa_first_sample': digits(parts['kappa'][0].flatten()),
        'score': digits(score),
        'picks': (score > 0).long().tolist(),
    }


def edge_target_unit():
    mask = generator.masks(SIZE)
    magnitude = edge_magnitude(mask)
    edge = magnitude[:, 0] >= 0.5
    rows = [int(e.any(1).nonzero()[0]) for e in edge]
    return {
        'mask': f'make_mask(2,{SIZE},{SIZE})',
        'ones': edge.sum((1, 2)).tolist(),
        'magnitude_stats': [float(magnitude.min()), float(magnitude.max()), float(magnitude.double().sum())],
        'first_row_with_edge': rows,
        'columns_in_that_row': [e[row].nonzero().flatten().tolist() for e, row in zip(edge, rows)],
        'min_distance_of_magnitude_from_half': float((magnitude.double() - 0.5).abs().min()),
        'pos_weight': digits(positive_weight(mask).flatten()),
    }


def dct_unit():
    block = torch_models.MultiScaleMultiSpectral()
    bases = [getattr(block, f'dct_weight_{k}')[0].double() for k in range(16)]
    return [
        {'k': k, 'sum': digits(b.sum()), 'l2': float(b.norm()), 'row3_first8': digits(b[3, :8])}
        for k, b in enumerate(bases)
    ]


def attention_units(salt):
    """Difficulty-guided attention on one easy and one hard sample: one pass in train mode, then one in eval mode.

    The eval pass uses the running statistics that the train pass has updated.
    """
    module = TextGuidedAttention(32, 300, 16)
    module.load_state_dict(generator.state_dict(module, salt))
    x, text = centred('unit.dga', [2, 32, 3, 3], salt), generator.text_embed(salt)
    cotangent = centred('unit.dga.g', [2, 32, 3, 3], salt)

    def run(training):
        module.train(training).zero_grad()
        y = module(x, text)
        (y * cotangent).sum().backward()
        return digits(y.flatten()), module.attention_map[0].weight.grad, module.attention_map[3].weight.grad

    y, first, last = run(training=True)
    how = "TextGuidedAttention(32,300,16), keys attention_map.*; x key 'unit.dga' [2,32,3,3] 2u-1; "
    train_unit = {
        'input': how + "text rows = [easy, hard]; objective sum(y*G), G key 'unit.dga.g'; train mode",
        'y': y,
        'grad_attention_map_3_weight': digits(last.flatten()),
        'grad_attention_map_0_weight_l2': float(first.double().norm()),
    }
    y, first, _ = run(training=False)
    eval_unit = {
        'y': y,
        'grad_attention_map_0_weight_l2': float(first.double().norm()),
        'grad_attention_map_0_weight_first8': digits(first.flatten()[:8]),
    }
    return {'dga_train_easy_hard': train_unit, 'dga_eval_easy_hard': eval_unit}


def other_difficulty_unit(salt):
    """The whole model with a prior pushed to the other side of 0, where curvature picks the other label."""
    x, mask = image(salt), generator.masks(SIZE)
    model = make(salt).eval()
    picked = {}
    difficulty = model.difficulty
    model.difficulty = lambda prior: picked.setdefault('now', difficulty(prior))
    wanted = ('decoder_stage1', 'seg_head.region_conv.0', 'seg_head.edge_conv.0')
    outputs = {}
    keep = lambda name: lambda _module, _input, output: outputs.update({name: output})
    for name in wanted:
        model.get_submodule(name).register_forward_hook(keep(name))
    with torch.inference_mode():
        model(x)
        bias = 0.5 if picked['now'].sum() * 2 >= BATCH else -0.5
        picked.clear()
        model.global_prior[0].bias.fill_(bias)
        logits = model(x)
        loss = model.loss(logits, mask)
    return {
        'how': f'whole model, eval mode, same image and mask, but global_prior.0.bias := {bias}',
        'picks': picked['now'].tolist(),
        'loss': float(loss),
        'decoder_stage1': statistics(outputs[wanted[0]]),
        'region_conv_0': statistics(outputs[wanted[1]]),
        'edge_conv_0': statistics(outputs[wanted[2]]),
        'prediction': statistics(logits[0]),
    }


def units(salt):
    return {
        'salt': salt,
        'curvature': curvature_unit(salt),
        'edge_target': edge_target_unit(),
        'dct': dct_unit(),
        'text_embed_first4': digits(generator.text_embed(salt)[:, :4].flatten()),
        **attention_units(salt),
        'other_difficulty': other_difficulty_unit(salt),
    }
