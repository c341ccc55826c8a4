"""CDFL and SDPAL in ordinary PyTorch layers: peers of the benchmark, and second implementations for parity fixtures.

Written from the project's own notes on the two papers and codes. Modules carry the names of the published checkpoints,
so that a state_dict loads strictly, down to a decoder that the published networks have and never call. Both take
[N, 3, H, W] in 0..255 and give logits [N, H, W].

cspell:ignore amax amin keepdim
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

STEPS, ONWARD, THRESHOLD = 3, 0.7, 0.4
WINDOW, BINS = 5, 16


def conv_norm_relu(in_channels, channels, kernel_size=3, bias=False, stride=1):
    return (
        nn.Conv2d(in_channels, channels, kernel_size, stride, padding=kernel_size // 2, bias=bias),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
    )


# --- ResNet-101, stem v1c, output stride 8 ---------------------------------------------------------------------------


class Bottleneck(nn.Module):
    def __init__(self, in_channels, width, stride, dilation):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, padding=dilation, dilation=dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride > 1 or in_channels != 4 * width:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width)
            )

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet101(nn.Module):
    """[N, 3, H, W] to four maps with strides 4, 8, 8, 8. He et al. 2016, https://arxiv.org/abs/1512.03385."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(
            *conv_norm_relu(3, 32, stride=2), *conv_norm_relu(32, 32), *conv_norm_relu(32, 64)
        )
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        channels, before = 64, 1
        for i, (depth, stride, dilation) in enumerate(zip((3, 4, 23, 3), (1, 2, 1, 1), (1, 1, 2, 4))):
            width = 64 << i
            # The first block of a dilated stage has the dilation of the stage before.
            blocks = [Bottleneck(channels, width, stride, before)]
            blocks += [Bottleneck(4 * width, width, 1, dilation) for _ in range(depth - 1)]
            self.add_module(f'layer{i + 1}', nn.Sequential(*blocks))
            channels, before = 4 * width, dilation

    def forward(self, x):
        x = self.maxpool(self.stem(x))
        maps = []
        for i in range(1, 5):
            x = getattr(self, f'layer{i}')(x)
            maps.append(x)
        return maps


class MultiLevelFeatures(nn.Module):
    """[N, 3, H, W] to [N, 512, H / 8, W / 8]."""

    def __init__(self, channels):
        super().__init__()
        self.bottleneck1 = nn.Sequential(*conv_norm_relu(512, channels))
        self.bottleneck2 = nn.Sequential(*conv_norm_relu(1024, channels))
        self.bottleneck3 = nn.Sequential(*conv_norm_relu(2048, channels))
        self.bottleneck_fusion = nn.Sequential(*conv_norm_relu(3 * channels, channels))
        # Never called, but in the published checkpoints.
        self.decoder = nn.Sequential(
            *conv_norm_relu(channels, 512, 1), nn.Dropout(0.1), nn.Conv2d(512, 1, 1)
        )
        self.backbone_net = ResNet101()

    def forward(self, x):
        _, a, b, c = self.backbone_net(x)
        levels = [self.bottleneck1(a), self.bottleneck2(b), self.bottleneck3(c)]
        return self.bottleneck_fusion(torch.cat(levels, 1))


# --- Patterns and walks ----------------------------------------------------------------------------------------------


def to_nodes(x):
    """[N, C, H, W] to [N, H*W, C]."""
    return x.flatten(2).transpose(1, 2)


class PixelWalk(nn.Module):
    """What random walks through similar pixels see in the mean: [N, C, H, W] to the same."""

    def graph(self, nodes):
        directions = F.normalize(nodes, dim=-1)
        cosines = directions @ directions.transpose(1, 2)
        edges = cosines * (cosines >= THRESHOLD)
        edges = edges * (1 - torch.eye(edges.shape[1], dtype=edges.dtype))
        return edges / (edges.sum(-1, keepdim=True) + 1e-8)

    def walk(self, graph):
        identity = torch.eye(graph.shape[1], dtype=graph.dtype)
        chances = identity.expand_as(graph)
        for _ in range(STEPS):
            chances = ONWARD * (chances @ graph) + (1 - ONWARD) * identity
        return chances

    def aggregate(self, x):
        nodes = to_nodes(x)
        return (self.walk(self.graph(nodes)) @ nodes).transpose(1, 2).reshape(x.shape)


class PatternResidual(PixelWalk):
    """CDFL's randomness, periodicity and their balanced residual, and the walk over all: see `patterns`."""

    def patterns(self, x):
        """Randomness (by the published sign never positive), periodicity and residual: [N, 1, H, W] each."""
        n, _, height, width = x.shape
        windows = F.unfold(x.detach().mean(1, keepdim=True), WINDOW, padding=WINDOW // 2)
        least = windows.amin(1, keepdim=True)
        spread = (windows.amax(1, keepdim=True) - least).clamp(min=1e-8)
        bins = F.one_hot(((windows - least) / spread * (BINS - 1)).long(), BINS)
        p = bins.to(x.dtype).mean(1)
        randomness = (p * torch.log2(p.clamp(min=1e-10))).sum(-1) / math.log2(BINS)
        # Less one of its pixels, the spectrum of a window changes in its mean alone, which is filtered out.
        amplitudes = torch.fft.fft(windows - windows[:, :1], dim=1)[:, 1:].abs()
        greatest = amplitudes.amax(1)
        periodicity = greatest / (greatest + 1e-8)
        balance = periodicity / (randomness + 1e-8)
        beyond = ((balance - balance.mean(1, keepdim=True)).abs() - 2 * balance.std(1, keepdim=True)).clamp(min=0)
        residual = beyond / (beyond.amax(1, keepdim=True) + 1e-8)
        return tuple(part.reshape(n, 1, height, width) for part in (randomness, periodicity, residual))

    def forward(self, x):
        randomness, periodicity, residual = self.patterns(x)
        return residual, self.aggregate(torch.cat([x, periodicity, randomness, residual], 1))


class NeighbourResidual(PixelWalk):
    """SDPAL's residual of a map to itself at half size, and the walk over both."""

    def forward(self, x):
        size = x.shape[-2:]
        half = F.interpolate(x, size=[s // 2 for s in size], mode='bilinear', align_corners=True)
        residual = x - F.interpolate(half, size=size, mode='bilinear', align_corners=True)
        return residual, self.aggregate(torch.cat([x, residual], 1))


# --- Decoder ---------------------------------------------------------------------------------------------------------


def by_head(x, heads):
    """[N, C, H, W] to [N, heads, H*W, C / heads]."""
    n, channels = x.shape[:2]
    return x.reshape(n, heads, channels // heads, -1).transpose(2, 3)


def attention_weights(q, k):
    return ((q @ k.transpose(2, 3)) * q.shape[-1] ** -0.5).softmax(-1)


class DiffAttention(nn.Module):
    """The difference of two attentions over all pixels, added to the map."""

    def __init__(self, channels, heads):
        super().__init__()
        self.heads = heads
        self.to_q1 = nn.Conv2d(channels, channels, 1, bias=False)
        self.to_k1 = nn.Conv2d(channels, channels, 1, bias=False)
        self.to_q2 = nn.Conv2d(channels, channels, 1, bias=False)
        self.to_k2 = nn.Conv2d(channels, channels, 1, bias=False)
        self.to_v = nn.Conv2d(channels, channels, 1, bias=False)
        self.unify = nn.Conv2d(channels, channels, 1)

    def forward(self, x):
        layers = (self.to_q1, self.to_k1, self.to_q2, self.to_k2, self.to_v)
        q1, k1, q2, k2, v = (by_head(layer(x), self.heads) for layer in layers)
        seen = (attention_weights(q1, k1) - attention_weights(q2, k2)) @ v
        return self.unify(seen.transpose(2, 3).reshape(x.shape)) + x


class ConvRefine(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.refine = nn.Sequential(
            *conv_norm_relu(channels, channels, bias=True), *conv_norm_relu(channels, channels, bias=True)
        )

    def forward(self, x):
        return x + self.refine(x)


class DoubleConv(nn.Module):
    def __init__(self, in_channels, mid_channels, channels):
        super().__init__()
        self.double_conv = nn.Sequential(
            *conv_norm_relu(in_channels, mid_channels), *conv_norm_relu(mid_channels, channels)
        )

    def forward(self, x):
        return self.double_conv(x)


class Down(nn.Module):
    def __init__(self, in_channels, channels):
        super().__init__()
        self.maxpool_conv = nn.Sequential(nn.MaxPool2d(2), DoubleConv(in_channels, channels, channels))

    def forward(self, x):
        return self.maxpool_conv(x)


class SelfAttention(nn.Module):
    """Attention over all pixels, added to the map."""

    def __init__(self, channels, heads):
        super().__init__()
        self.heads = heads
        self.qkv_proj = nn.Conv2d(channels, 3 * channels, 1, bias=False)
        self.out_proj = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, x):
        q, k, v = (by_head(part, self.heads) for part in self.qkv_proj(x).chunk(3, 1))
        return x + self.out_proj((attention_weights(q, k) @ v).transpose(2, 3).reshape(x.shape))


class Up(nn.Module):
    """Joins an enlarged map, its skip and, if there are any, the skip's attended features."""

    def __init__(self, in_channels, assist_channels, channels):
        super().__init__()
        total = 2 * in_channels + assist_channels
        self.up = nn.Upsample(scale_factor=2, mode='bilinear', align_corners=True)
        if assist_channels:
            self.attn_proj = nn.Conv2d(in_channels, assist_channels, 1, bias=False)
        self.conv = DoubleConv(total, total // 2, channels)

    def forward(self, x, skip, attended=None):
        x = self.up(x)
        parts = [skip, x] if attended is None else [x, skip, self.attn_proj(attended)]
        return self.conv(torch.cat(parts, 1))


class OutConv(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, 1, 1)

    def forward(self, x):
        return self.conv(x)


class FeatureUNet(nn.Module):
    """[N, 512, h, w] to logits [N, 8*h, 8*w]."""

    def __init__(self, channels, attention):
        super().__init__()
        self.attention = attention
        self.inc = DoubleConv(channels, 64, 64)
        # In the order of the published checkpoints.
        for i, (width, wider) in enumerate(((64, 128), (128, 256), (256, 256)), 1):
            self.add_module(f'down{i}', Down(width, wider))
            if attention:
                self.add_module(f'attn{i}', SelfAttention(width, 4 if i < 3 else 8))
        if attention:
            self.attn4 = SelfAttention(256, 8)
        a, b, c = (64, 32, 32) if attention else (0, 0, 0)
        self.up1, self.up2, self.up3 = Up(256, a, 128), Up(128, b, 64), Up(64, c, 64)
        self.outc = OutConv(64)
        self.final_up = nn.Upsample(scale_factor=8, mode='bilinear', align_corners=True)

    def forward(self, x):
        x1 = self.inc(x)
        x2 = self.down1(x1)
        x3 = self.down2(x2)
        x4 = self.down3(x3)
        if self.attention:
            a1, a2, a3 = self.attn1(x1), self.attn2(x2), self.attn3(x3)
            x = self.up3(self.up2(self.up1(self.attn4(x4), x3, a3), x2, a2), x1, a1)
        else:
            x = self.up3(self.up2(self.up1(x4, x3), x2), x1)
        return self.final_up(self.outc(x)).squeeze(1)


class PatternNetwork(nn.Module):
    """What CDFL and SDPAL share."""

    def __init__(self, pattern_channels, attention, channels=512):
        super().__init__()
        self.mscc = MultiLevelFeatures(channels)
        self.fuse_conv = nn.Sequential(*conv_norm_relu(channels + pattern_channels, channels, 1))
        self.diff_attn = DiffAttention(channels, 8)
        self.conv_refine = ConvRefine(channels)
        self.unet = FeatureUNet(channels, attention)

    def decode(self, features, residual, seen):
        x = self.fuse_conv(torch.cat([features, residual, seen], 1))
        return self.unet(self.conv_refine(self.diff_attn(x)))

    @staticmethod
    def loss(logits, mask):
        return F.binary_cross_entropy_with_logits(logits, mask[:, 0])


class CDFL(PatternNetwork):
    """Cross-dimensional forgery pattern extraction, as published at https://github.com/GCLion/CDFL."""

    def __init__(self):
        super().__init__(1 + 515, attention=True)
        self.prb_operator = PatternResidual()

    def forward(self, x):
        features = self.mscc(x)
        return self.decode(features, *self.prb_operator(features))


class SDPAL(PatternNetwork):
    """Spatial difference patterns adaptive learning, as published at https://github.com/GCLion/SDPAL."""

    def __init__(self):
        super().__init__(512 + 1024, attention=False)
        # The last one, as in the published checkpoints.
        self.fuse_conv = self._modules.pop('fuse_conv')
        self.graph_module = NeighbourResidual()

    def forward(self, x):
        features = self.mscc(x)
        return self.decode(features, *self.graph_module(features))
