#!/usr/bin/env python3
"""Golden values of layers, losses, optimizers and schedules, computed by PyTorch.

    python3 tools/golden/nn.py        (Debian: python3-torch; writes packages/nn/src/fixtures/<family>.safetensors)

Keys are `<function>.<case>.<tensor>`: the inputs by name, `y`, the cotangent `dy`, and `d<input>` = the gradient of
sum(y * dy). A loss has `loss` instead of `y`, and the gradient of `loss` itself. `__metadata__` holds each case's
arguments as JSON under `<function>.<case>`. Inputs are float32 numbers; PyTorch computes in float64 and results are
rounded once, so that a difference is the tested code's own.

cspell:ignore nbytes tobytes allclose
"""

import json
import zlib
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

FIXTURES = Path(__file__).parents[2] / 'packages' / 'nn' / 'src' / 'fixtures'


class Family:
    """The cases of one file."""

    def __init__(self, name):
        self.name = name
        self.tensors = {}
        self.metadata = {'generator': 'tools/golden/nn.py', 'torch': torch.__version__.split('a')[0]}

    def put(self, case, **tensors):
        for name, value in tensors.items():
            array = value.detach().numpy() if torch.is_tensor(value) else np.asarray(value)
            self.tensors[f'{case}.{name}'] = np.ascontiguousarray(array, dtype='<f4').reshape(array.shape)

    def case(self, case, attributes, inputs, function, constants=()):
        """Runs `function(**inputs)` and records it with the gradients of all inputs that are not among `constants`."""
        self.metadata[case] = json.dumps(attributes)
        leaves = {name: x.clone().requires_grad_(name not in constants) for name, x in inputs.items()}
        y = function(**leaves)
        wanted = [name for name in inputs if name not in constants]
        if y.shape:
            dy = normal(case + '.dy', *y.shape)
            self.put(case, **inputs, dy=dy, y=y)
        else:
            dy = torch.ones((), dtype=torch.float64)
            self.put(case, **inputs, loss=y)
        gradients = torch.autograd.grad(y, [leaves[name] for name in wanted], dy)
        self.put(case, **{'d' + name: g for name, g in zip(wanted, gradients)})

    def save(self):
        """The safetensors format: length of the header (8 bytes), header as JSON, data."""
        header, offset = {'__metadata__': self.metadata}, 0
        for name, array in self.tensors.items():
            header[name] = {'dtype': 'F32', 'shape': list(array.shape), 'data_offsets': [offset, offset + array.nbytes]}
            offset += array.nbytes
        text = json.dumps(header, separators=(',', ':')).encode()
        text += b' ' * (-len(text) % 8)
        path = FIXTURES / f'{self.name}.safetensors'
        data = b''.join(array.tobytes() for array in self.tensors.values())
        path.write_bytes(len(text).to_bytes(8, 'little') + text + data)
        print(f'{path.name}: {len(self.metadata) - 2} cases, {path.stat().st_size:,} bytes')


def rounded(array):
    return torch.from_numpy(np.asarray(array, dtype=np.float32).astype(np.float64))


def generator(seed):
    return np.random.RandomState(zlib.crc32(seed.encode()))


def normal(seed, *shape):
    return rounded(generator(seed).standard_normal(shape))


def uniform(seed, *shape, low=0.0, high=1.0):
    return rounded(generator(seed).uniform(low, high, shape))


def binary(seed, *shape):
    return rounded(generator(seed).uniform(size=shape) < 0.3)


def convolutions():
    family = Family('conv')

    def conv2d(case, x, w, bias=False, **attributes):
        key = f'conv2d.{case}'
        inputs = {'x': normal(key + '.x', *x), 'w': normal(key + '.w', *w)}
        if bias:
            inputs['bias'] = normal(key + '.bias', w[0])
        family.case(key, attributes, inputs, lambda x, w, bias=None: F.conv2d(x, w, bias, **attributes))

    conv2d('plain', (2, 3, 6, 5), (4, 3, 3, 3))
    conv2d('bias', (2, 3, 6, 5), (4, 3, 3, 3), bias=True, padding=1)
    conv2d('pointwise', (2, 4, 5, 4), (3, 4, 1, 1))
    conv2d('stride2', (2, 3, 7, 6), (4, 3, 3, 3), stride=2, padding=1)
    conv2d('strideLeavesABorder', (1, 2, 9, 8), (3, 2, 2, 2), stride=3)
    conv2d('patches', (1, 3, 8, 8), (5, 3, 4, 4), stride=4)
    conv2d('dilation2', (2, 3, 7, 8), (4, 3, 3, 3), padding=2, dilation=2)
    conv2d('groups2', (2, 4, 6, 5), (6, 2, 3, 3), padding=1, groups=2)
    conv2d('depthwise', (2, 4, 6, 5), (4, 1, 3, 3), padding=1, groups=4)
    conv2d('depthwiseStride2', (2, 4, 7, 5), (8, 1, 3, 3), stride=2, padding=1, groups=4)
    conv2d('unequalKernel', (2, 2, 6, 7), (3, 2, 1, 5), padding=(0, 2))
    conv2d('everything', (2, 4, 11, 10), (6, 2, 3, 3), stride=2, padding=2, dilation=2, groups=2)

    def conv_transpose2d(case, x, w, output_padding=0, **attributes):
        key = f'convTranspose2d.{case}'
        inputs = {'x': normal(key + '.x', *x), 'w': normal(key + '.w', *w)}
        call = lambda x, w: F.conv_transpose2d(x, w, output_padding=output_padding, **attributes)
        size = list(call(**inputs).shape[2:])
        family.case(key, {**attributes, 'size': size}, inputs, call)

    conv_transpose2d('plain', (2, 3, 4, 5), (3, 2, 3, 3))
    conv_transpose2d('upsampleBy2', (2, 4, 4, 3), (4, 3, 2, 2), stride=2)
    conv_transpose2d('outputPadding', (2, 3, 4, 5), (3, 2, 3, 3), stride=2, padding=1, output_padding=1)
    conv_transpose2d('groups2', (2, 4, 4, 5), (4, 3, 3, 3), stride=2, padding=1, groups=2)
    conv_transpose2d('dilation2', (1, 3, 5, 4), (3, 2, 3, 3), padding=2, dilation=2)
    everything = {'stride': 3, 'padding': 2, 'dilation': 2, 'groups': 2}
    conv_transpose2d('everything', (2, 4, 5, 4), (4, 2, 3, 3), output_padding=1, **everything)
    family.save()


def norms():
    family = Family('norm')

    def affine(key, shape, channels):
        return {
            'x': normal(key + '.x', *shape) * 2 + 0.5,
            'weight': uniform(key + '.weight', channels, low=0.5, high=1.5),
            'bias': normal(key + '.bias', channels),
        }

    statistics = {
        'runningMean': normal('batchNorm.runningMean', 4),
        'runningVar': uniform('batchNorm.runningVar', 4, low=0.5, high=2),
    }
    for training in (True, False):
        key = 'batchNorm.train' if training else 'batchNorm.eval'
        inputs = {name: rounded(x) for name, x in affine(key, (3, 4, 5, 4), 4).items()}
        mean, variance = statistics['runningMean'].clone(), statistics['runningVar'].clone()
        attributes = {'training': training, 'momentum': 0.1, 'eps': 1e-5}
        call = lambda x, weight, bias: F.batch_norm(x, mean, variance, weight, bias, **attributes)
        family.case(key, attributes, inputs, call)
        family.put(key, **statistics)
        if training:
            family.put(key, nextRunningMean=mean, nextRunningVar=variance)

    for case, eps in (('plain', 1e-5), ('eps6', 1e-6)):
        key = f'layerNorm.{case}'
        inputs = {name: rounded(x) for name, x in affine(key, (2, 5, 7), 7).items()}
        call = lambda x, weight, bias: F.layer_norm(x, (7,), weight, bias, eps)
        family.case(key, {'eps': eps}, inputs, call)

    for groups in (1, 2, 6):
        key = f'groupNorm.groups{groups}'
        inputs = {name: rounded(x) for name, x in affine(key, (2, 6, 4, 3), 6).items()}
        call = lambda x, weight, bias: F.group_norm(x, groups, weight, bias)
        family.case(key, {'groups': groups, 'eps': 1e-5}, inputs, call)
    family.save()


def activations():
    family = Family('activation')
    x = {'x': rounded(np.linspace(-6, 6, 49))}
    for name, function in (('relu', F.relu), ('gelu', F.gelu), ('sigmoid', torch.sigmoid), ('silu', F.silu)):
        family.case(f'{name}.plain', {}, x, lambda x: function(x))
    for axis in (-1, 1):
        inputs = {'x': normal('softmax.x', 2, 4, 5) * 3}
        family.case(f'softmax.axis{axis % 3}', {'axis': axis}, inputs, lambda x: F.softmax(x, axis))
    inputs = {'x': rounded(normal('softmax.large.x', 2, 5) * 200)}
    family.case('softmax.large', {'axis': -1}, inputs, lambda x: F.softmax(x, -1))

    qkv = {name: normal(f'attention.{name}', 2, 3, length, 4) for name, length in (('q', 5), ('k', 6), ('v', 6))}
    attention = lambda q, k, v: F.softmax(q @ k.transpose(-2, -1) * 0.5, -1) @ v
    family.case('attention.plain', {'scale': 0.5}, qkv, attention)
    family.save()


def resizes():
    family = Family('resize')
    sizes = {
        'up': ((5, 4), (9, 7)),
        'upTwice': ((4, 5), (8, 10)),
        'down': ((9, 7), (4, 5)),
        'downTwice': ((8, 6), (4, 3)),
        'upAndDown': ((4, 9), (7, 5)),
        'fromOnePixel': ((1, 1), (3, 4)),
        'toOnePixel': ((5, 4), (1, 1)),
    }
    for case, (source, size) in sizes.items():
        inputs = {'x': normal(f'resize.{case}.x', 2, 2, *source)}
        for align in (False, True):
            key = f'resizeBilinear.{case}.{"aligned" if align else "halfPixel"}'
            call = lambda x: F.interpolate(x, size, mode='bilinear', align_corners=align)
            family.case(key, {'size': size, 'alignCorners': align}, inputs, call)
        call = lambda x: F.interpolate(x, size, mode='nearest')
        family.case(f'resizeNearest.{case}', {'size': size}, inputs, call)
    family.save()


def pools():
    family = Family('pool')

    def case(function, name, pool, shape, **attributes):
        key = f'{function}.{name}'
        family.case(key, attributes, {'x': normal(key + '.x', *shape)}, pool)

    overlapping = {'kernelSize': 3, 'stride': 2, 'padding': 1}
    halving = {'kernelSize': 2, 'stride': 2, 'padding': 0}
    case('maxPool2d', 'overlapping', lambda x: F.max_pool2d(x, 3, 2, 1), (2, 3, 8, 7), **overlapping)
    case('maxPool2d', 'halving', lambda x: F.max_pool2d(x, 2), (2, 3, 7, 6), **halving)
    # Where values are equal, the first in row-major order takes the whole gradient.
    ties = {'x': rounded(generator('ties').randint(0, 2, (2, 2, 6, 6)))}
    family.case('maxPool2d.ties', halving, ties, lambda x: F.max_pool2d(x, 2))
    case('avgPool2d', 'overlapping', lambda x: F.avg_pool2d(x, 3, 2, 1), (2, 3, 8, 7), **overlapping)
    case('avgPool2d', 'halving', lambda x: F.avg_pool2d(x, 2), (2, 3, 7, 6), **halving)
    for name, shape, size in (
        ('global', (2, 3, 5, 4), (1, 1)),
        ('divisible', (2, 3, 8, 6), (4, 3)),
        ('indivisible', (2, 3, 7, 5), (3, 2)),
        ('enlarging', (1, 2, 3, 4), (5, 6)),
    ):
        case('adaptiveAvgPool2d', name, lambda x: F.adaptive_avg_pool2d(x, size), shape, size=size)
    case('adaptiveMaxPool2d', 'divisible', lambda x: F.adaptive_max_pool2d(x, (4, 3)), (2, 3, 8, 6), size=(4, 3))
    family.save()


def focal_loss(logits, mask, gamma, alpha):
    """As torchvision.ops.sigmoid_focal_loss (Lin et al. 2017) with reduction 'mean'."""
    cross_entropy = F.binary_cross_entropy_with_logits(logits, mask, reduction='none')
    p = torch.sigmoid(logits)
    miss = p * (1 - mask) + (1 - p) * mask
    return ((alpha * mask + (1 - alpha) * (1 - mask)) * miss**gamma * cross_entropy).mean()


def dice_loss(logits, mask, smooth):
    """1 - Dice of probabilities and mask over all pixels of a sample, averaged over samples."""
    p = torch.sigmoid(logits)
    overlap = (p * mask).sum((1, 2, 3))
    total = p.sum((1, 2, 3)) + mask.sum((1, 2, 3))
    return (1 - (2 * overlap + smooth) / (total + smooth)).mean()


def losses():
    family = Family('loss')
    bce = F.binary_cross_entropy_with_logits
    shape = (3, 1, 5, 4)
    inputs = {'logits': rounded(normal('loss.logits', *shape) * 3), 'mask': binary('loss.mask', *shape)}
    weighted = {**inputs, 'posWeight': uniform('loss.posWeight', 3, 1, 1, 1, low=0.5, high=6)}
    # Far from 0, a loss made from probabilities overflows or loses its gradient.
    extreme = {
        'logits': rounded([-120, -30, -1e-3, 1e-3, 30, 120] * 2).reshape(2, 1, 2, 3),
        'mask': rounded([0] * 6 + [1] * 6).reshape(2, 1, 2, 3),
    }
    constants = ('mask', 'posWeight')
    loss = 'bceWithLogits'
    family.case(f'{loss}.plain', {}, inputs, lambda logits, mask: bce(logits, mask), constants)
    family.case(f'{loss}.extreme', {}, extreme, lambda logits, mask: bce(logits, mask), constants)
    call = lambda logits, mask, posWeight: bce(logits, mask, pos_weight=posWeight)
    family.case(f'{loss}.posWeight', {}, weighted, call, constants)
    for name, case in (('plain', inputs), ('emptyMask', {**inputs, 'mask': inputs['mask'] * 0})):
        call = lambda logits, mask: dice_loss(logits, mask, 1)
        family.case(f'dice.{name}', {'smooth': 1}, case, call, constants)
    for name, case in (('plain', inputs), ('extreme', extreme)):
        call = lambda logits, mask: focal_loss(logits, mask, 2, 0.25)
        family.case(f'focal.{name}', {'gamma': 2, 'alpha': 0.25}, case, call, constants)
    family.save()


def optimizers():
    """Three steps down loss = sum(curvature * (w - target)^2) / 2: w0 .. w3, and the gradients dw0 .. dw2."""
    family = Family('optimizer')
    start, target = normal('optimizer.start', 2, 3), normal('optimizer.target', 2, 3)
    curvature = uniform('optimizer.curvature', 2, 3, low=0.1, high=3)

    def case(key, build, **attributes):
        family.metadata[key] = json.dumps(attributes)
        family.put(key, curvature=curvature, target=target, w0=start)
        w = start.clone().requires_grad_()
        optimizer = build([w])
        for step in range(3):
            optimizer.zero_grad()
            (curvature * (w - target) ** 2 / 2).sum().backward()
            optimizer.step()
            family.put(key, **{f'dw{step}': w.grad.clone(), f'w{step + 1}': w.clone()})

    sgd, adam, adamw = torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW
    for name, momentum, nesterov, decay in (
        ('plain', 0, False, 0),
        ('momentum', 0.9, False, 0),
        ('weightDecay', 0.9, False, 0.01),
        ('nesterov', 0.9, True, 0.01),
    ):
        build = lambda w: sgd(w, lr=0.1, momentum=momentum, nesterov=nesterov, weight_decay=decay)
        case(f'sgd.{name}', build, learningRate=0.1, momentum=momentum, nesterov=nesterov, weightDecay=decay)
    common = {'learningRate': 0.01, 'beta1': 0.9, 'beta2': 0.999, 'eps': 1e-8}
    for name, decay in (('plain', 0), ('weightDecay', 0.1)):
        case(f'adam.{name}', lambda w: adam(w, lr=0.01, weight_decay=decay), **common, weightDecay=decay)
        case(f'adamW.{name}', lambda w: adamw(w, lr=0.01, weight_decay=decay), **common, weightDecay=decay)
    betas = {'learningRate': 0.02, 'beta1': 0.8, 'beta2': 0.95, 'eps': 1e-4, 'weightDecay': 0.05}
    build = lambda w: adamw(w, lr=0.02, betas=(0.8, 0.95), eps=1e-4, weight_decay=0.05)
    case('adamW.otherBetas', build, **betas)
    family.save()


def schedules():
    """Learning rates: of steps 0 .. totalSteps for cosine; after each epoch's value for plateau."""
    family = Family('schedule')
    rates = torch.optim.lr_scheduler
    optimizer = lambda: torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)

    rate = lambda optimizer: optimizer.param_groups[0]['lr']

    for name, warmup, total, minimum in (('plain', 0, 12, 0.0), ('minimum', 0, 10, 0.001), ('warmup', 4, 20, 0.001)):
        sgd = optimizer()
        schedule = rates.CosineAnnealingLR(sgd, total - warmup, minimum)
        if warmup > 0:
            # Step s of the warm-up takes (s + 1) / warmup of the rate.
            ramp = rates.LinearLR(sgd, start_factor=1 / warmup, total_iters=warmup - 1)
            schedule = rates.SequentialLR(sgd, [ramp, schedule], [warmup])
        values = [rate(sgd)]
        for _ in range(total):
            sgd.step()
            schedule.step()
            values.append(rate(sgd))
        s = np.arange(total + 1)
        cosine = minimum + (0.1 - minimum) * (1 + np.cos(np.pi * (s - warmup) / (total - warmup))) / 2
        expected = np.where(s < warmup, 0.1 * (s + 1) / max(warmup, 1), cosine)
        assert np.allclose(values, expected, rtol=1e-9), name
        attributes = {'learningRate': 0.1, 'warmupSteps': warmup, 'totalSteps': total, 'minimum': minimum}
        family.metadata[f'cosine.{name}'] = json.dumps(attributes)
        family.put(f'cosine.{name}', learningRates=values)

    falling = [1, 0.8, 0.79999, 0.9, 0.85, 0.82, 0.81, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.6, 0.6, 0.6, 0.6, 0.6]
    rising = [0.1, 0.3, 0.3, 0.30001, 0.2, 0.4, 0.4, 0.4, 0.4, 0.4, 0.39, 0.5]
    plateaus = (
        ('min', falling, {'factor': 0.5, 'patience': 2, 'threshold': 1e-4, 'cooldown': 0, 'minimum': 0.02}),
        ('cooldown', falling, {'factor': 0.5, 'patience': 1, 'threshold': 1e-4, 'cooldown': 2, 'minimum': 0.0}),
        ('max', rising, {'factor': 0.1, 'patience': 1, 'threshold': 1e-4, 'cooldown': 0, 'minimum': 0.0}),
    )
    for name, values, options in plateaus:
        sgd = optimizer()
        mode = 'max' if name == 'max' else 'min'
        named = {**options, 'min_lr': options['minimum']}
        del named['minimum']
        schedule = rates.ReduceLROnPlateau(sgd, mode, **named)
        learning_rates = []
        for value in values:
            schedule.step(value)
            learning_rates.append(rate(sgd))
        family.metadata[f'plateau.{name}'] = json.dumps({'learningRate': 0.1, 'mode': mode, **options})
        family.put(f'plateau.{name}', values=values, learningRates=learning_rates)
    family.save()


if __name__ == '__main__':
    torch.set_num_threads(1)
    FIXTURES.mkdir(parents=True, exist_ok=True)
    for write in (convolutions, norms, activations, resizes, pools, losses, optimizers, schedules):
        write()
