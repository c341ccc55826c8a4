#!/usr/bin/env python3
"""Parity fixtures of M2SFormer from the PyTorch model in tools/bench/torch_models.py.

    python3 tools/golden/parity.py write <folder> --salt 7     params, forward, train and units for another salt
    python3 tools/golden/parity.py check <folder>              compares an existing fixture with this model

Weights, image and masks come from generator.py, so that a fixture holds results only. Everything is computed twice, in
float32 and in float64 with the same float32 inputs; the difference is recorded as the noise that a comparison has to
allow for. In train mode the float32 gradients of two correct implementations can differ by far more than that noise:
one ReLU whose input is within rounding of 0 may fall on the other side, and moves every gradient before it by 1e-3.

cspell:ignore absmax tobytes maxabsdiff reldiff evalbn curv frombuffer
"""

import argparse
import json
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

import generator

sys.path.insert(0, str(Path(__file__).parents[1] / 'bench'))
import torch_models  # noqa: E402
from torch_models import M2SFormer, TextGuidedAttention, curvature, edge_magnitude, positive_weight  # noqa: E402

BATCH, SIZE = 2, 256
HEADS = ('prediction', 'edge', 'global_prior')
LABELS = ('easy', 'hard')


# --- Numbers as the fixtures write them ------------------------------------------------------------------------------


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


# --- The model and what it computes ----------------------------------------------------------------------------------


@contextmanager
def default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def build(salt, dtype):
    with default_dtype(dtype):
        model = M2SFormer()
    model.load_state_dict(generator.state_dict(model, salt), strict=True)
    model.text_embed = generator.text_embed(salt).to(dtype)
    return model


def record(model, image, visit):
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

    skipped = ('', 'feature_encoding')
    handles = [m.register_forward_hook(hook(path)) for path, m in model.named_modules() if path not in skipped]
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
        return model(image)
    finally:
        del block.channel_attention, model.difficulty
        for handle in handles:
            handle.remove()


def difficulty_report(prior):
    kappa = curvature(prior.detach())['kappa']
    score = kappa.sum((1, 2, 3))
    return {
        'curvature_score': digits(score),
        'difficulty': [LABELS[int(s > 0)] for s in score],
        'kappa_absmax': digits(kappa.abs().max()),
        'kappa_abs_sum': digits(kappa.abs().sum((1, 2, 3))),
    }


# --- The four files --------------------------------------------------------------------------------------------------


def params(salt):
    model = M2SFormer()
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
    return {'model': 'm2sformer', 'salt': salt, 'parameters': total, 'by_top_module': parts, 'entries': entries}


def forward(salt):
    """forward.json and the bytes of forward.bin: eval mode, with statistics of every module's output."""
    image, mask = generator.normalize(generator.image(BATCH, SIZE, salt)), generator.masks(SIZE)
    single, double = build(salt, torch.float32).eval(), build(salt, torch.float64).eval()
    outputs, intermediates = {}, {}
    keep = lambda name, x: outputs.update({name: x.clone()})

    def compare(name, exact):
        x = outputs[name]
        intermediates[name] = {**statistics(x), **noise(x, exact)}
        if name != 'global_prior.0':
            del outputs[name]

    with torch.inference_mode():
        logits = record(single, image, keep)
        # In order of execution, as both runs call the same modules.
        exact = record(double, image.double(), compare)
        loss = single.loss(logits, mask)
    tensors, data = [], b''

    def put(name, x, **more):
        nonlocal data
        tensors.append({'name': name, 'shape': list(x.shape), 'offset': len(data), 'stats': statistics(x), **more})
        data += np.ascontiguousarray(x.numpy(), dtype='<f4').tobytes()

    for name, x, e in zip(HEADS, logits, exact):
        probabilities = torch.sigmoid(x)
        put(
            name,
            x,
            f64_maxabsdiff=digits((x.double() - e).abs().max()),
            f64_reldiff_l2=digits(relative_difference(x, e)),
            sigmoid_range=digits([probabilities.min(), probabilities.max()]),
        )
    put('global_prior_8x8', outputs['global_prior.0'])
    document = {
        'model': 'm2sformer',
        'salt': salt,
        'batch': BATCH,
        'size': SIZE,
        'mode': 'eval',
        'layout': 'float32 little endian, row-major, concatenated in this order',
        'input_stats': statistics(image),
        'tensors': tensors,
        'extra': {**difficulty_report(logits[2]), 'eval_loss': digits(loss)},
        'extra_f64': difficulty_report(exact[2]),
        'intermediates': intermediates,
    }
    return document, data


def gradients(salt, training):
    """Loss and gradients in train mode (batch statistics) or eval mode (running statistics)."""
    image, mask = generator.normalize(generator.image(BATCH, SIZE, salt)), generator.masks(SIZE)

    def backward(dtype):
        model = build(salt, dtype).train(training)
        logits = model(image.to(dtype))
        loss = model.loss(logits, mask.to(dtype))
        loss.backward()
        norms = {name: float(p.grad.double().norm()) for name, p in model.named_parameters() if p.grad is not None}
        total = sum(n * n for n in norms.values()) ** 0.5
        return model, loss, difficulty_report(logits[2]), norms, total

    _, exact_loss, exact_extra, exact_norms, exact_total = backward(torch.float64)
    model, loss, extra, norms, total = backward(torch.float32)

    def row(name, p):
        if p.grad is None:
            return None
        off = abs(norms[name] - exact_norms[name]) / (exact_norms[name] + 1e-300)
        return [digits(norms[name]), digits(p.grad.double().sum()), digits(p.grad.flatten()[:4]), digits(off, 2)]

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
        torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=1e-4).step()
        with torch.no_grad():
            result['loss_after_one_optimizer_step'] = digits(model.loss(model(image), mask))
    return result


def train(salt):
    return {
        'model': 'm2sformer',
        'salt': salt,
        'batch': BATCH,
        'size': SIZE,
        'mask_size': SIZE,
        'mask_sum': [int(s) for s in generator.masks(SIZE).sum((1, 2, 3))],
        'note': 'gradients: key -> [l2, sum, [first 4], noise]; noise = |l2_f32 - l2_f64| / l2_f64; null = no gradient',
        'train': gradients(salt, training=True),
        'evalbn': gradients(salt, training=False),
    }


def centred(key, shape, salt):
    """Draws in [-1, 1)."""
    return torch.from_numpy((2 * generator.uniform(key, shape, salt) - 1).astype(np.float32))


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
    image, mask = generator.normalize(generator.image(BATCH, SIZE, salt)), generator.masks(SIZE)
    model = build(salt, torch.float32).eval()
    picked = {}
    difficulty = model.difficulty
    model.difficulty = lambda prior: picked.setdefault('now', difficulty(prior))
    wanted = ('decoder_stage1', 'seg_head.region_conv.0', 'seg_head.edge_conv.0')
    outputs = {}
    keep = lambda name: lambda _module, _input, output: outputs.update({name: output})
    for name in wanted:
        model.get_submodule(name).register_forward_hook(keep(name))
    with torch.inference_mode():
        model(image)
        bias = 0.5 if picked['now'].sum() * 2 >= BATCH else -0.5
        picked.clear()
        model.global_prior[0].bias.fill_(bias)
        logits = model(image)
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


def documents(salt):
    forward_document, data = forward(salt)
    return {'params': params(salt), 'forward': forward_document, 'train': train(salt), 'units': units(salt)}, data


# --- Commands --------------------------------------------------------------------------------------------------------


def write(folder, salt):
    folder.mkdir(parents=True, exist_ok=True)
    made, data = documents(salt)
    for name, document in made.items():
        (folder / f'{name}.json').write_text(json.dumps(document, separators=(',', ':')))
    (folder / 'forward.bin').write_bytes(data)
    for mode, extra in (('eval', made['forward']['extra']), ('train', made['train']['train']['extra'])):
        print(f'{mode}: difficulty {extra["difficulty"]}, curvature score {extra["curvature_score"]}')
    print(f'other difficulty: {[LABELS[p] for p in made["units"]["other_difficulty"]["picks"]]}')
    print(f'wrote {folder}, salt {salt}')


def differences(path, mine, theirs):
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
            if key in ('note', 'input', 'how', 'salt', 'noise', 'noise_first8') or key.startswith('f64_'):
                continue
            if key not in mine or key not in theirs:
                yield float('inf'), f'{path}/{key}: only in the {"fixture" if key in theirs else "model"}'
            else:
                yield from differences(f'{path}/{key}', mine[key], theirs[key])
    elif isinstance(theirs, list) and isinstance(mine, list) and len(mine) == len(theirs):
        numbers = theirs and all(isinstance(v, (int, float)) for v in [*mine, *theirs])
        if numbers:
            a, b = np.array(mine, dtype=float), np.array(theirs, dtype=float)
            yield np.abs(a - b).max() / (np.abs(b).max() + 1e-6), path
        else:
            for i, (a, b) in enumerate(zip(mine, theirs)):
                yield from differences(f'{path}/{i}', a, b)
    elif isinstance(theirs, (int, float)) and isinstance(mine, (int, float)):
        yield abs(mine - theirs) / (abs(theirs) + 1e-6), path
    elif mine != theirs:
        yield float('inf'), f'{path}: {mine!r} here, {theirs!r} in the fixture'


def gradient_differences(path, mine, theirs):
    """Differences of gradient norms, in units of the tolerance."""
    training = path.endswith('/train')
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
    salt = read('forward').get('salt', 0)
    made, data = documents(salt)
    failed = False

    def report(what, found, tolerance):
        nonlocal failed
        worst = sorted(found, reverse=True)[:3]
        failed |= worst[0][0] > tolerance
        print(f'{what}: {"ok" if worst[0][0] <= tolerance else "FAILED"} (tolerance {tolerance:g})')
        for difference, where in worst:
            print(f'    {difference:.2g}  {where}')

    theirs = {name: read(name) for name in made}
    report('params', differences('', made['params'], theirs['params']), 0)
    report('units', differences('', made['units'], theirs['units']), 1e-3)
    a, b = np.frombuffer(data, '<f4'), np.fromfile(folder / 'forward.bin', '<f4')
    heads = []
    for tensor in theirs['forward']['tensors']:
        part = slice(tensor['offset'] // 4, tensor['offset'] // 4 + int(np.prod(tensor['shape'])))
        heads.append((float(np.abs(a[part] - b[part]).max()), tensor['name']))
    report('heads (absolute)', heads, 1e-4)
    report('forward', differences('', made['forward'], theirs['forward']), 1e-3)
    for mode in ('evalbn', 'train'):
        mine, reference = made['train'][mode], theirs['train'][mode]
        # One ReLU on the other side of 0 reaches 1.4 in the smallest biases.
        limit = 3 if mode == 'train' else 1
        report(f'{mode} gradients (in tolerances)', gradient_differences(f'/{mode}', mine, reference), limit)
        rest = [{k: v for k, v in d.items() if k != 'grads'} for d in (mine, reference)]
        report(f'{mode} losses', differences(f'/{mode}', *rest), 1e-3)
    return failed


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('command', choices=('write', 'check'))
    parser.add_argument('folder', type=Path)
    parser.add_argument('--salt', type=lambda text: int(text, 0) & 0xFFFFFFFF, default=1, help='for write (default: 1)')
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    if arguments.command == 'write':
        write(arguments.folder, arguments.salt)
    else:
        sys.exit(check(arguments.folder))
