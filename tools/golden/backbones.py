#!/usr/bin/env python3
"""What small encoders compute in PyTorch: the statistics of their four maps, for generated weights and a test image.

    python3 tools/golden/backbones.py        (Debian: python3-torch; writes tools/parity/fixtures/backbones.json)

The modules carry the names of the published weights, by which generator.py makes their values. Dropout and drop-path
are left out.

cspell:ignore unflatten hardswish
"""

import json
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

import generator
from parity_numbers import statistics

sys.path.insert(0, str(Path(__file__).parents[1] / 'bench'))
from torch_models import Block as PvtBlock  # noqa: E402
from torch_models import PatchEmbed, to_map, to_tokens  # noqa: E402

FIXTURE = Path(__file__).parents[1] / 'parity' / 'fixtures' / 'backbones.json'
SIZE = 160
TINY = {'widths': (8, 16, 40, 64), 'depths': (1, 1, 2, 1), 'heads': (1, 2, 5, 8)}


# --- Residual networks -----------------------------------------------------------------------------------------------


def conv(in_channels, channels, kernel_size, stride=1, groups=1):
    return nn.Conv2d(in_channels, channels, kernel_size, stride, kernel_size // 2, groups=groups, bias=False)


class Residual(nn.Module):
    """What the bottlenecks of Res2Net and ResNeSt share: 1x1 convolutions around `spatial`, and ResNet-D's shortcut."""

    def __init__(self, in_channels, width, inner, stride):
        super().__init__()
        self.conv1, self.bn1 = conv(in_channels, inner, 1), nn.BatchNorm2d(inner)
        self.conv3, self.bn3 = conv(inner, 4 * width, 1), nn.BatchNorm2d(4 * width)
        self.stride, self.downsample = stride, None
        if in_channels != 4 * width:
            shortcut = nn.AvgPool2d(stride), conv(in_channels, 4 * width, 1), nn.BatchNorm2d(4 * width)
            self.downsample = nn.Sequential(*shortcut)

    def forward(self, x):
        h = self.spatial(F.relu(self.bn1(self.conv1(x))))
        return F.relu(self.bn3(self.conv3(h)) + (self.downsample(x) if self.downsample else x))


class Res2NetBlock(Residual):
    """Gao et al. 2019, https://arxiv.org/abs/1904.01169: 26w 4s."""

    def __init__(self, in_channels, width, stride):
        narrow = width * 26 // 64
        super().__init__(in_channels, width, 4 * narrow, stride)
        self.convs = nn.ModuleList(conv(narrow, narrow, 3, stride) for _ in range(3))
        self.bns = nn.ModuleList(nn.BatchNorm2d(narrow) for _ in range(3))

    def spatial(self, x):
        *parts, last = x.chunk(4, 1)
        made = []
        for part, convolution, norm in zip(parts, self.convs, self.bns):
            seen = part + made[-1] if made and not self.downsample else part
            made.append(F.relu(norm(convolution(seen))))
        return torch.cat([*made, F.avg_pool2d(last, 3, self.stride, 1) if self.downsample else last], 1)


class SplitAttention(nn.Module):
    def __init__(self, channels):
        super().__init__()
        hidden = max(channels // 2, 32)
        self.conv, self.bn0 = conv(channels, 2 * channels, 3, groups=2), nn.BatchNorm2d(2 * channels)
        self.fc1, self.bn1 = nn.Conv2d(channels, hidden, 1), nn.BatchNorm2d(hidden)
        self.fc2 = nn.Conv2d(hidden, 2 * channels, 1)

    def forward(self, x):
        maps = F.relu(self.bn0(self.conv(x))).unflatten(1, (2, -1))
        mean = maps.sum(1).mean((2, 3), keepdim=True)
        logits = self.fc2(F.relu(self.bn1(self.fc1(mean)))).unflatten(1, (2, -1))
        return (maps * logits.softmax(1)).sum(1)


class ResNeStBlock(Residual):
    """Zhang et al. 2020, https://arxiv.org/abs/2004.08955: 2s1x64d."""

    def __init__(self, in_channels, width, stride):
        super().__init__(in_channels, width, width, stride)
        self.conv2 = SplitAttention(width)

    def spatial(self, x):
        h = self.conv2(x)
        return F.avg_pool2d(h, 3, self.stride, 1) if self.stride > 1 else h


class ResNetD(nn.Module):
    def __init__(self, block, width, depths):
        super().__init__()
        half = width // 2
        stem = (conv(3, half, 3, 2), nn.BatchNorm2d(half), nn.ReLU()), (conv(half, half, 3), nn.BatchNorm2d(half), nn.ReLU())
        self.conv1 = nn.Sequential(*stem[0], *stem[1], conv(half, width, 3))
        self.bn1 = nn.BatchNorm2d(width)
        channels = width
        for i, depth in enumerate(depths):
            inner = width << i
            first = block(channels, inner, 1 if i == 0 else 2)
            channels = 4 * inner
            self.add_module(f'layer{i + 1}', nn.Sequential(first, *(block(channels, inner, 1) for _ in range(depth - 1))))

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        return [x := getattr(self, f'layer{i}')(x) for i in range(1, 5)]


# --- Transformers ----------------------------------------------------------------------------------------------------


def patch_embeddings(model, widths):
    for i, (a, b) in enumerate(zip((3, *widths), widths), 1):
        model.add_module(f'patch_embed{i}', PatchEmbed(a, b, 7 if i == 1 else 3, 4 if i == 1 else 2))


class Mit(nn.Module):
    """Xie et al. 2021, https://arxiv.org/abs/2105.15203."""

    def __init__(self, widths, depths, heads):
        super().__init__()
        patch_embeddings(self, widths)
        for i, (width, depth, count, reduction) in enumerate(zip(widths, depths, heads, (8, 4, 2, 1)), 1):
            self.add_module(f'block{i}', nn.ModuleList(PvtBlock(width, count, 4, reduction) for _ in range(depth)))
            self.add_module(f'norm{i}', nn.LayerNorm(width, eps=1e-6))

    def forward(self, x):
        maps = []
        for i in range(1, 5):
            x, height, width = getattr(self, f'patch_embed{i}')(x)
            for block in getattr(self, f'block{i}'):
                x = block(x, height, width)
            maps.append(x := to_map(getattr(self, f'norm{i}')(x), height, width))
        return maps


class PoolingAttention(nn.Module):
    def __init__(self, channels, heads, ratios):
        super().__init__()
        self.heads, self.ratios = heads, ratios
        self.q = nn.Sequential(nn.Linear(channels, channels))
        self.kv = nn.Sequential(nn.Linear(channels, 2 * channels))
        self.proj = nn.Linear(channels, channels)
        self.norm = nn.LayerNorm(channels)

    def forward(self, tokens, height, width, positions):
        pyramid = []
        for ratio, position in zip(self.ratios, positions):
            pooled = F.adaptive_avg_pool2d(to_map(tokens, height, width), (round(height / ratio), round(width / ratio)))
            pyramid.append(to_tokens(pooled + position(pooled)))
        split = lambda x: x.unflatten(2, (self.heads, -1)).transpose(1, 2)
        k, v = map(split, self.kv(self.norm(torch.cat(pyramid, 1))).chunk(2, 2))
        q = split(self.q(tokens))
        weights = (q @ k.transpose(2, 3) * q.shape[3] ** -0.5).softmax(3)
        return self.proj((weights @ v).transpose(1, 2).flatten(2))


class InvertedBottleneck(nn.Module):
    def __init__(self, channels, hidden):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, hidden, 1)
        self.conv = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)
        self.fc2 = nn.Conv2d(hidden, channels, 1)

    def forward(self, x):
        return self.fc2(F.hardswish(self.conv(F.hardswish(self.fc1(x)))))


class P2tBlock(nn.Module):
    def __init__(self, channels, heads, mlp_ratio, ratios):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels, eps=1e-6)
        self.attn = PoolingAttention(channels, heads, ratios)
        self.norm2 = nn.LayerNorm(channels, eps=1e-6)
        self.mlp = InvertedBottleneck(channels, channels * mlp_ratio)

    def forward(self, tokens, height, width, positions):
        tokens = tokens + self.attn(self.norm1(tokens), height, width, positions)
        return tokens + to_tokens(self.mlp(to_map(self.norm2(tokens), height, width)))


class P2t(nn.Module):
    """Wu et al. 2022, https://arxiv.org/abs/2106.12011."""

    ratios = ((12, 16, 20, 24), (6, 8, 10, 12), (3, 4, 5, 6), (1, 2, 3, 4))

    def __init__(self, widths, depths, heads):
        super().__init__()
        patch_embeddings(self, widths)
        for i, (width, depth, count, mlp, ratios) in enumerate(zip(widths, depths, heads, (8, 8, 4, 4), self.ratios), 1):
            positions = (nn.Conv2d(width, width, 3, padding=1, groups=width) for _ in ratios)
            self.add_module(f'd_convs{i}', nn.ModuleList(positions))
            self.add_module(f'block{i}', nn.ModuleList(P2tBlock(width, count, mlp, ratios) for _ in range(depth)))

    def forward(self, x):
        maps = []
        for i in range(1, 5):
            x, height, width = getattr(self, f'patch_embed{i}')(x)
            for block in getattr(self, f'block{i}'):
                x = block(x, height, width, getattr(self, f'd_convs{i}'))
            maps.append(x := to_map(x, height, width))
        return maps


def main():
    models = {
        'res2net': ResNetD(Res2NetBlock, 8, (1, 2, 1, 1)),
        'resnest': ResNetD(ResNeStBlock, 8, (1, 2, 1, 1)),
        'mit': Mit(**TINY),
        'p2t': P2t(**TINY),
    }
    image = generator.normalize(generator.image(2, SIZE))
    fixture = {'generator': 'tools/golden/backbones.py', 'size': SIZE}
    for name, model in models.items():
        model.load_state_dict(generator.state_dict(model))
        floats = {key: list(x.shape) for key, x in model.state_dict().items() if x.dtype.is_floating_point}
        with torch.no_grad():
            fixture[name] = {'shapes': floats, 'maps': [statistics(x) for x in model.eval()(image)]}
    FIXTURE.write_text(json.dumps(fixture, separators=(',', ':')) + '\n')
    print(f'{FIXTURE.name}: {FIXTURE.stat().st_size:,} bytes')


if __name__ == '__main__':
    main()
