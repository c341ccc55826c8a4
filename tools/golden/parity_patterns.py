"""What parity fixtures hold of CDFL and SDPAL beyond what they hold of every model: see parity.py.

cspell:ignore mscc bce outc keepdim
"""

import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import generator
from parity_numbers import BATCH, SIZE, centred, default_dtype, digits

sys.path.insert(0, str(Path(__file__).parents[1] / 'bench'))
import torch_patterns  # noqa: E402
from torch_patterns import DiffAttention, NeighbourResidual, PatternResidual, to_nodes  # noqa: E402


class Subject:
    HEADS = ('logits',)
    SKIPPED = ()
    # Counts of near misses in the official fixtures, and losses that no training uses.
    NOT_COMPARED = ('extra', 'extra_f64', 'bce07_dice03', 'dice')

    @classmethod
    def make(cls, salt, dtype=torch.float32):
        with default_dtype(dtype):
            model = cls.MODEL()
        model.load_state_dict(generator.state_dict(model, salt), strict=True)
        return model

    @staticmethod
    def image(salt):
        return generator.image(BATCH, SIZE, salt) * 255

    @staticmethod
    def optimizer(parameters):
        return torch.optim.Adam(parameters, lr=1e-4)

    @staticmethod
    def extra(_model, _outputs):
        return {}

    @classmethod
    @contextmanager
    def watched(cls, model, visit):
        """Calls visit(name, tensor) for tensors within the walk while the model runs."""
        module = getattr(model, cls.WALK)
        originals = {name: getattr(module, name) for name in ('graph', 'walk', 'aggregate')}

        def watch(name, visited):
            def call(x):
                y = originals[name](x)
                visit(f'{cls.WALK}.{visited}', y)
                return y

            return call

        def aggregate(x):
            visit(f'{cls.WALK}.node_features', to_nodes(x))
            return watch('aggregate', 'aggregated')(x)

        module.graph, module.walk, module.aggregate = watch('graph', 'adj'), watch('walk', 'walk_probs'), aggregate
        try:
            yield
        finally:
            del module.graph, module.walk, module.aggregate


def walk_unit(module, pixels, seen):
    graph = module.graph(to_nodes(pixels))
    chances = module.walk(graph)
    return {
        'adj_row0': digits(graph[0, 0]),
        'adj_row37_b1': digits(graph[1, 37]),
        'edges': (graph != 0).sum((1, 2)).tolist(),
        'walk_row0': digits(chances[0, 0]),
        'walk_row37_b1': digits(chances[1, 37]),
        'aggregated': digits(seen.flatten()),
    }


class CDFL(Subject):
    NAME, MODEL, WALK = 'cdfl', torch_patterns.CDFL, 'prb_operator'
    PATTERNS = ('randomness', 'periodicity', 'residual')
    MODULE_HEADS = {
        name: name for name in (*(f'prb_operator.{p}' for p in ('residual', 'periodicity', 'randomness')), 'unet.outc')
    }

    @classmethod
    @contextmanager
    def watched(cls, model, visit):
        module = model.prb_operator
        patterns = module.patterns

        def visited(x):
            found = patterns(x)
            for name, value in zip(cls.PATTERNS, found):
                visit(f'prb_operator.{name}', value)
            return found

        module.patterns = visited
        try:
            with super().watched(model, visit):
                yield
        finally:
            del module.patterns

    @classmethod
    def units(cls, salt):
        module = PatternResidual()
        x = centred('unit.prb', [2, 6, 8, 8], salt).requires_grad_()
        found = dict(zip(cls.PATTERNS, module.patterns(x)))
        pixels = torch.cat([x, found['periodicity'], found['randomness'], found['residual']], 1)
        seen = module.aggregate(pixels)
        objective = (seen * centred('unit.prb.g', [2, 9, 8, 8], salt)).sum()
        objective = objective + (found['residual'] * centred('unit.prb.r', [2, 1, 8, 8], salt)).sum()
        objective.backward()
        flat = dict(zip(cls.PATTERNS, module.patterns(torch.full((1, 2, 8, 8), 0.25))))
        return {
            'prb': {
                **{name: digits(value.flatten()) for name, value in found.items()},
                **walk_unit(module, pixels, seen),
                'objective_value': float(objective),
                'grad_x': digits(x.grad.flatten()),
            },
            'prb_constant_input_0.25': {name: digits(value.flatten()) for name, value in flat.items()},
        }


class SDPAL(Subject):
    NAME, MODEL, WALK = 'sdpal', torch_patterns.SDPAL, 'graph_module'
    MODULE_HEADS = {'unet.outc': 'unet.outc'}

    @staticmethod
    def units(salt):
        return {'graph': graph_unit(salt), 'diff_attention': attention_unit(salt), 'loss': loss_unit(salt)}


def graph_unit(salt):
    module = NeighbourResidual()
    x = centred('unit.graph', [2, 5, 8, 8], salt).requires_grad_()
    residual, seen = module(x)
    objective = (seen * centred('unit.graph.g', [2, 10, 8, 8], salt)).sum()
    objective = objective + (residual * centred('unit.graph.n', [2, 5, 8, 8], salt)).sum()
    objective.backward()
    pixels = torch.cat([x, residual], 1)
    isolated = (module.graph(to_nodes(pixels)) != 0).sum(2) == 0
    return {
        'npr': digits(residual.flatten()),
        **walk_unit(module, pixels, seen),
        'isolated_rows': isolated.sum(1).tolist(),
        'objective_value': float(objective),
        'grad_x': digits(x.grad.flatten()),
    }


def attention_unit(salt):
    module = DiffAttention(16, 4)
    module.load_state_dict(generator.state_dict(module, salt))
    x = centred('unit.diff', [1, 16, 4, 4], salt).requires_grad_()
    y = module(x)
    (y * centred('unit.diff.g', [1, 16, 4, 4], salt)).sum().backward()
    return {
        'y': digits(y.flatten()),
        'grad_x': digits(x.grad.flatten()),
        'grad_to_q2': digits(module.to_q2.weight.grad.flatten()),
    }


def loss_unit(salt):
    draw = lambda key: torch.from_numpy(generator.uniform(key, [2, 8, 8], salt).astype(np.float32))
    target = (draw('unit.t') > 0.7).float()
    return {
        'bce_w1_dice_w0': float(F.binary_cross_entropy(draw('unit.p'), target)),
        't_sum': float(target.sum()),
    }
