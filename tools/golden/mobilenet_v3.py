"""
What the graph of centernet.json in the npm package @vladmandic/human computes, node by node as the file says, with
PyTorch's convolutions: the reference that packages/models/src/backbones/mobilenet-v3.ts was checked against.

    python3 tools/golden/mobilenet_v3.py <folder of centernet.json> <image.npy, [H, W, 3], 0 to 255> <out.npz>

writes the maps at 1/4, 1/8, 1/16 and 1/32, [1, C, h, w], and the detector's heat maps where H = W = 512.
"""
import base64
import json
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

folder, image_path, out_path = sys.argv[1:4]
model = json.load(open(os.path.join(folder, 'centernet.json')))
raw = open(os.path.join(folder, 'centernet.bin'), 'rb').read()
constants, at = {}, 0
for w in model['weightsManifest'][0]['weights']:
    dtype = np.float16 if 'quantization' in w else np.dtype(w['dtype'])
    count = int(np.prod(w['shape']))
    values = np.frombuffer(raw, dtype, count, at).reshape(w['shape'])
    at += values.nbytes
    constants[w['name']] = torch.from_numpy(values.astype(np.float32 if dtype == np.float16 else np.int64))
nodes = {n['name']: n for n in model['modelTopology']['node']}
values = {'tower_0/images': torch.from_numpy(np.load(image_path).astype(np.float32))[None]}


def text(node, key):
    return base64.b64decode(node['attr'][key]['s']).decode()


def fused(node):
    return [base64.b64decode(s).decode() for s in node.get('attr', {}).get('fused_ops', {}).get('list', {}).get('s', [])]


def conv(node, x, w, bias=None):
    depthwise = 'Depthwise' in node['op']
    x = x.permute(0, 3, 1, 2)
    stride = int(node['attr']['strides']['list']['i'][1])
    w = w.permute(2, 3, 0, 1) if depthwise else w.permute(3, 2, 0, 1)
    if text(node, 'padding') == 'SAME':
        pads = []
        for size, k in ((x.shape[3], w.shape[3]), (x.shape[2], w.shape[2])):
            total = max((-(-size // stride) - 1) * stride + k - size, 0)
            pads += [total // 2, total - total // 2]
        x = F.pad(x, pads)
    y = F.conv2d(x, w, bias, stride, groups=x.shape[1] if depthwise else 1).permute(0, 2, 3, 1)
    return F.relu(y) if 'Relu' in fused(node) else y


def value(name):
    if name in constants:
        return constants[name]
    if name not in values:
        node = nodes[name]
        args = [value(i) for i in node.get('input', [])]
        op = node['op']
        if 'Conv2' in op:
            values[name] = conv(node, *args)
        elif op == 'Mul':
            values[name] = args[0] * args[1]
        elif op == 'Add':
            values[name] = args[0] + args[1]
        elif op == 'Relu6':
            values[name] = args[0].clamp(0, 6)
        elif op == 'Relu':
            values[name] = F.relu(args[0])
        elif op == 'Mean':
            values[name] = args[0].mean(tuple(int(i) for i in args[1]), keepdim=True)
        elif op == 'ConcatV2':
            values[name] = torch.cat(args[:-1], int(args[-1]))
        elif op == 'ResizeBilinear':  # neither align_corners nor half_pixel_centers: source = target / 2
            x = args[0].permute(0, 3, 1, 2)
            x = torch.cat([x, x[:, :, -1:]], 2)
            x = torch.cat([x, x[:, :, :, -1:]], 3)
            y = F.interpolate(x, size=(2 * x.shape[2] - 1, 2 * x.shape[3] - 1), mode='bilinear', align_corners=True)
            values[name] = y[:, :, :-1, :-1].permute(0, 2, 3, 1)
        elif op == 'BiasAdd':
            values[name] = args[0] + args[1]
        elif op == 'Sigmoid':
            values[name] = args[0].sigmoid()
        elif op == 'Identity':
            values[name] = args[0]
        else:
            raise NotImplementedError(op)
    return values[name]


prefix = 'tower_0/MobilenetV3/expanded_conv'
ends = ('_2/add', '_5/add', '_11/add', '_14/add')
out = {f'map{i}': value(prefix + end).permute(0, 3, 1, 2).contiguous().numpy() for i, end in enumerate(ends)}
if out['map0'].shape[2:] == (128, 128):
    out['heat'] = value('tower_0/keypoints').numpy()
np.savez(out_path, **out)
for name, a in out.items():
    print(name, a.shape, 'mean %.4f std %.4f highest %.4f' % (a.mean(), a.std(), a.max()))
