#!/usr/bin/env python3
"""Parity fixtures from the PyTorch models in tools/bench.

    python3 tools/golden/parity.py write <folder> --model cdfl --salt 7     params, forward, train and units
    python3 tools/golden/parity.py check <folder>              compares an existing fixture with its model

Weights, image and masks come from generator.py, so that a fixture holds results only. Everything is computed twice, in
float32 and in float64 with the same float32 inputs; the difference is recorded as the noise that a comparison has to
allow for. In train mode the float32 gradients of two correct implementations can differ by far more than that noise:
one ReLU whose input is within rounding of 0 may fall on the other side, and moves every gradient before it by 1e-3.

What is particular to a model is in its own file, parity_<model>.py.

cspell:ignore absmax tobytes maxabsdiff reldiff evalbn curv frombuffer
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch

import generator
import parity_m2sformer
import parity_mpc
from parity_numbers import BATCH, SIZE, digits, noise, relative_difference, statistics
from parity_patterns import CDFL, SDPAL

SUBJECTS = {subject.NAME: subject for subject in (parity_m2sformer, CDFL, SDPAL, parity_mpc)}


def mask_size(subject):
    return getattr(subject, 'MASK_SIZE', SIZE)


def whole(model, image, mask):
    """The loss of a model that is trained in one stage."""
    logits = model(image)
    return logits, model.loss(logits, mask)


def trainings(subject):
    """By the beginning of its sections in train.json, each training's loss and optimizer."""
    only = {'': (whole, lambda model: subject.optimizer(model.parameters()))}
    return getattr(subject, 'TRAININGS', only)


# --- What a model computes -------------------------------------------------------------------------------------------


def record(subject, model, image, visit):
    """Runs the model and calls visit(name, tensor) for every module's output and for a few tensors between modules.

    `path#i` is element i of a list of outputs, `path@2` the second call of the same module.
    """
    calls = {}

    def hook(path):
        def visit_output(_module, _input, output):
            calls[path] = calls.get(path, 0) + 1
            name = path if calls[path] == 1 else f'{path}@{calls[path]}'
            if torch.is_tensor(output):
                visit(name, output)
            else:
                for i, part in enumerate(output):
                    if torch.is_tensor(part):
                        visit(f'{name}#{i}', part)

        return visit_output

    skipped = ('', *subject.SKIPPED)
    handles = [m.register_forward_hook(hook(path)) for path, m in model.named_modules() if path not in skipped]
    try:
        with subject.watched(model, visit):
            return model(image)
    finally:
        for handle in handles:
            handle.remove()


def heads(subject, outputs):
    """The model's outputs by name."""
    return dict(zip(subject.HEADS, (outputs,) if torch.is_tensor(outputs) else outputs))


# --- The four files --------------------------------------------------------------------------------------------------


def params(subject, salt):
    model = subject.make(salt)
    parameters = {name: p.numel() for name, p in model.named_parameters()}
    parts = {}
    for name, count in parameters.items():
        part = '.'.join(name.split('.')[:2])
        parts[part] = parts.get(part, 0) + count
    entries = []
    for key, value in model.state_dict().items():
        entry = [key, list(value.shape), 'param' if key in parameters else 'buffer']
        entries.append(entry if value.dtype == torch.float32 else [*entry, str(value.dtype).split('.')[-1]])
    total = sum(parameters.values())
    return {'model': subject.NAME, 'salt': salt, 'parameters': total, 'by_top_module': parts, 'entries': entries}


def forward(subject, salt):
    """forward.json and the bytes of forward.bin: eval mode, with statistics of every module's output."""
    image, mask = subject.image(salt), generator.masks(mask_size(subject))
    single, double = subject.make(salt).eval(), subject.make(salt, torch.float64).eval()
    outputs, intermediates = {}, {}
    keep = lambda name, x: outputs.update({name: x.clone()})

    def compare(name, exact):
        x = outputs[name]
        intermediates[name] = {**statistics(x), **noise(x, exact)}
        if name not in subject.MODULE_HEADS:
            del outputs[name]

    with torch.inference_mode():
        logits = record(subject, single, image, keep)
        # In order of execution, as both runs call the same modules.
        exact = record(subject, double, image.double(), compare)
        loss = single.loss(logits, mask)
    tensors, data = [], b''

    def put(name, x, **more):
        nonlocal data
        tensors.append({'name': name, 'shape': list(x.shape), 'offset': len(data), 'stats': statistics(x), **more})
        data += np.ascontiguousarray(x.numpy(), dtype='<f4').tobytes()

    exact_heads = heads(subject, exact)
    for name, x in heads(subject, logits).items():
        e = exact_heads[name]
        probabilities = torch.sigmoid(x)
        put(
            name,
            x,
            f64_maxabsdiff=digits((x.double() - e).abs().max()),
            f64_reldiff_l2=digits(relative_difference(x, e)),
            sigmoid_range=digits([probabilities.min(), probabilities.max()]),
        )
    with torch.inference_mode():
        for name, x in getattr(subject, 'other_heads', lambda *_: {})(single, salt).items():
            put(name, x)
    for path, name in subject.MODULE_HEADS.items():
        put(name, outputs[path])
    document = {
        'model': subject.NAME,
        'salt': salt,
        'batch': BATCH,
        'size': SIZE,
        'mode': 'eval',
        'layout': 'float32 little endian, row-major, concatenated in this order',
        'input_stats': statistics(image),
        'tensors': tensors,
        'extra': {**subject.extra(single, logits), 'eval_loss': digits(loss)},
        'extra_f64': subject.extra(double, exact),
        'intermediates': intermediates,
    }
    return document, data


def gradients(subject, salt, stage, training):
    """Loss and gradients in train mode (batch statistics) or eval mode (running statistics)."""
    image, mask = subject.image(salt), generator.masks(mask_size(subject))

    loss_of, optimizer = trainings(subject)[stage]

    def backward(dtype):
        model = subject.make(salt, dtype).train(training)
        logits, loss = loss_of(model, image.to(dtype), mask.to(dtype))
        loss.backward()
        found = {name: p.grad.flatten() for name, p in model.named_parameters() if p.grad is not None}
        norms = {name: float(g.double().norm()) for name, g in found.items()}
        total = sum(n * n for n in norms.values()) ** 0.5
        return model, loss, subject.extra(model, logits), norms, total, {name: g[:4].double().clone() for name, g in found.items()}

    def loss_after_step(model, dtype):
        optimizer(model).step()
        with torch.no_grad():
            return loss_of(model, image.to(dtype), mask.to(dtype))[1]

    exact, exact_loss, exact_extra, exact_norms, exact_total, exact_first = backward(torch.float64)
    exact_after = loss_after_step(exact, torch.float64) if training else None
    del exact
    model, loss, extra, norms, total, first = backward(torch.float32)

    def row(name, p):
        if p.grad is None:
            return None
        off = abs(norms[name] - exact_norms[name]) / (exact_norms[name] + 1e-300)
        off_first = float((first[name] - exact_first[name]).abs().max())
        numbers = [digits(norms[name]), digits(p.grad.double().sum()), digits(first[name]), digits(off, 2)]
        return [*numbers, digits(off_first, 2)]

    result = {
        'loss': digits(loss),
        'loss_f64': float(exact_loss),
        'extra': extra,
        'extra_f64': exact_extra,
        'total_grad_l2': digits(total),
        'total_grad_l2_f64': digits(exact_total, 12),
        'grads': {name: row(name, p) for name, p in model.named_parameters()},
    }
    if training:
        result['bn_buffers_after_[sum,l2]'] = {
            name: digits([b.double().sum(), b.double().norm()])
            for name, b in model.named_buffers()
            if name.endswith(('running_mean', 'running_var'))
        }
        result['loss_after_one_optimizer_step'] = digits(loss_after_step(model, torch.float32))
        result['loss_after_one_optimizer_step_f64'] = float(exact_after)
    return result


def train(subject, salt):
    return {
        'model': subject.NAME,
        'salt': salt,
        'batch': BATCH,
        'size': SIZE,
        'mask_size': mask_size(subject),
        'mask_sum': [int(s) for s in generator.masks(mask_size(subject)).sum((1, 2, 3))],
        'note': 'gradients: key -> [l2, sum, [first 4], noise, noise of first 4], null = no gradient; '
        'noise = |l2_f32 - l2_f64| / l2_f64, noise of first 4 = max |f32 - f64|',
        **{
            f'{stage}{name}': gradients(subject, salt, stage, training)
            for stage in trainings(subject)
            for name, training in (('train', True), ('evalbn', False))
        },
    }


def documents(subject, salt):
    forward_document, data = forward(subject, salt)
    made = {
        'params': params(subject, salt),
        'forward': forward_document,
        'train': train(subject, salt),
        'units': subject.units(salt),
    }
    return made, data


# --- Commands --------------------------------------------------------------------------------------------------------


def write(folder, subject, salt):
    folder.mkdir(parents=True, exist_ok=True)
    made, data = documents(subject, salt)
    for name, document in made.items():
        (folder / f'{name}.json').write_text(json.dumps(document, separators=(',', ':')))
    (folder / 'forward.bin').write_bytes(data)
    print(f'wrote {folder}: {subject.NAME}, salt {salt}')


def differences(path, mine, theirs, ignored=()):
    """Relative differences of numbers; infinity where anything else differs or one side lacks a key."""
    if isinstance(theirs, dict) and isinstance(mine, dict):
        if 'mid8' in theirs and theirs['shape'] == mine['shape']:
            # Statistics of a tensor: against its root mean square, or values near 0 would be compared digit by digit.
            scale = theirs['l2'] / np.prod(theirs['shape']) ** 0.5 + 1e-6
            for key in ('mean', 'std', 'first8', 'mid8'):
                yield np.abs(np.subtract(mine[key], theirs[key])).max() / scale, f'{path}/{key}'
            return
        for key in [*theirs, *(k for k in mine if k not in theirs)]:
            # Prose, and what measures the noise of one run, are not compared.
            if key in ('note', 'input', 'objective', 'how', 'salt', 'noise', 'noise_first8', *ignored) or key.startswith('f64_'):
                continue
            if key not in mine or key not in theirs:
                yield float('inf'), f'{path}/{key}: only in the {"fixture" if key in theirs else "model"}'
            else:
                yield from differences(f'{path}/{key}', mine[key], theirs[key], ignored)
    elif isinstance(theirs, list) and isinstance(mine, list) and len(mine) == len(theirs):
        numbers = theirs and all(isinstance(v, (int, float)) for v in [*mine, *theirs])
        if numbers:
            a, b = np.array(mine, dtype=float), np.array(theirs, dtype=float)
            yield np.abs(a - b).max() / (np.abs(b).max() + 1e-6), path
        else:
            for i, (a, b) in enumerate(zip(mine, theirs)):
                yield from differences(f'{path}/{i}', a, b, ignored)
    elif isinstance(theirs, (int, float)) and isinstance(mine, (int, float)):
        yield abs(mine - theirs) / (abs(theirs) + 1e-6), path
    elif mine != theirs:
        yield float('inf'), f'{path}: {mine!r} here, {theirs!r} in the fixture'


def gradient_differences(path, mine, theirs):
    """Differences of gradient norms, in units of the tolerance."""
    training = path.endswith('train')
    for name, reference in theirs['grads'].items():
        row = mine['grads'].get(name)
        if reference is None or row is None:
            yield (0 if reference == row else float('inf')), f'{path}/{name}'
        else:
            relative = max(5 * reference[3], 1e-2) if training else 1e-3
            tolerance = relative * reference[0] + 1e-6 * theirs['total_grad_l2']
            yield abs(row[0] - reference[0]) / tolerance, f'{path}/{name}'


def check(folder):
    read = lambda name: json.loads((folder / f'{name}.json').read_text())
    header = read('forward')
    subject = SUBJECTS[header['model']]
    ignored = subject.NOT_COMPARED
    made, data = documents(subject, header.get('salt', 0))
    failed = False

    def report(what, found, tolerance):
        nonlocal failed
        worst = sorted(found, reverse=True)[:3]
        failed |= worst[0][0] > tolerance
        print(f'{what}: {"ok" if worst[0][0] <= tolerance else "FAILED"} (tolerance {tolerance:g})')
        for difference, where in worst:
            print(f'    {difference:.2g}  {where}')

    theirs = {name: read(name) for name in made}
    report('params', differences('', made['params'], theirs['params'], ignored), 0)
    report('units', differences('', made['units'], theirs['units'], ignored), 1e-3)
    a, b = np.frombuffer(data, '<f4'), np.fromfile(folder / 'forward.bin', '<f4')
    heads = []
    for tensor in theirs['forward']['tensors']:
        part = slice(tensor['offset'] // 4, tensor['offset'] // 4 + int(np.prod(tensor['shape'])))
        heads.append((float(np.abs(a[part] - b[part]).max()), tensor['name']))
    report('heads (absolute)', heads, 1e-4)
    report('forward', differences('', made['forward'], theirs['forward'], ignored), 1e-3)
    for mode in (f'{stage}{name}' for stage in trainings(subject) for name in ('evalbn', 'train')):
        mine, reference = made['train'][mode], theirs['train'][mode]
        # One ReLU on the other side of 0 reaches 1.4 in the smallest biases.
        limit = 3 if mode.endswith('train') else 1
        report(f'{mode} gradients (in tolerances)', gradient_differences(f'/{mode}', mine, reference), limit)
        rest = [{k: v for k, v in d.items() if k != 'grads'} for d in (mine, reference)]
        report(f'{mode} losses', differences(f'/{mode}', *rest, ignored), 1e-3)
    return failed


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('command', choices=('write', 'check'))
    parser.add_argument('folder', type=Path)
    parser.add_argument('--model', choices=SUBJECTS, default='m2sformer', help='for write (default: m2sformer)')
    parser.add_argument('--salt', type=lambda text: int(text, 0) & 0xFFFFFFFF, default=1, help='for write (default: 1)')
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    if arguments.command == 'write':
        write(arguments.folder, SUBJECTS[arguments.model], arguments.salt)
    else:
        sys.exit(check(arguments.folder))
