"""The networks of the benchmark and of the parity fixtures, in ordinary PyTorch layers.

Written from the papers and from the project's own notes, for two uses: as the peer that the benchmark runs against, and
as a second implementation that makes parity fixtures. Modules carry the names of the published checkpoints, so that a
state_dict loads strictly.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn


def resize(x, size):
    """[N, C, H, W] to [N, C, *size], bilinear with aligned corners; x itself where it already has that size."""
    if tuple(x.shape[-2:]) == tuple(size):
        return x
    return F.interpolate(x, size=tuple(size), mode='bilinear', align_corners=True)


# --- U-Net -----------------------------------------------------------------------------------------------------------


class DoubleConv(nn.Module):
    """Two 3x3 convolutions, each with batch norm and ReLU: [N, in, H, W] to [N, out, H, W]."""

    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(out_channels)

    def forward(self, x):
        x = F.relu(self.norm1(self.conv1(x)), inplace=True)
        return F.relu(self.norm2(self.conv2(x)), inplace=True)


class UNet(nn.Module):
    """U-Net with batch norm and nearest upsampling: [N, 3, H, W] to logits [N, 1, H, W]."""

    def __init__(self, widths=(64, 128, 256, 512), in_channels=3, out_channels=1):
        super().__init__()
        self.encoder = nn.ModuleList(DoubleConv(i, o) for i, o in zip((in_channels, *widths[:-1]), widths))
        self.decoder = nn.ModuleList(DoubleConv(deep + w, w) for w, deep in zip(widths[:-1], widths[1:]))
        self.head = nn.Conv2d(widths[0], out_channels, 1)

    def forward(self, x):
        skips = []
        for level, block in enumerate(self.encoder):
            x = block(x if level == 0 else F.max_pool2d(x, 2))
            skips.append(x)
        for block, skip in zip(reversed(self.decoder), reversed(skips[:-1])):
            x = block(torch.cat([F.interpolate(x, scale_factor=2, mode='nearest'), skip], 1))
        return self.head(x)

    @staticmethod
    def loss(logits, mask):
        return F.binary_cross_entropy_with_logits(logits, mask)


# --- PVT-v2 ----------------------------------------------------------------------------------------------------------


def to_tokens(x):
    """[N, C, H, W] to [N, H*W, C]."""
    return x.flatten(2).transpose(1, 2)


def to_map(tokens, height, width):
    """[N, H*W, C] to [N, C, H, W]."""
    return tokens.transpose(1, 2).reshape(tokens.shape[0], -1, height, width)


class PatchEmbed(nn.Module):
    """An overlapping strided convolution and a layer norm: a map to (tokens, height, width)."""

    def __init__(self, in_channels, channels, kernel_size, stride):
        super().__init__()
        self.proj = nn.Conv2d(in_channels, channels, kernel_size, stride, padding=kernel_size // 2)
        self.norm = nn.LayerNorm(channels)

    def forward(self, x):
        x = self.proj(x)
        return self.norm(to_tokens(x)), x.shape[2], x.shape[3]


class Attention(nn.Module):
    """Multi-head attention whose keys and values come from a map made `reduction` times smaller by a convolution."""

    def __init__(self, channels, heads, reduction, qkv_bias):
        super().__init__()
        self.heads = heads
        self.scale = (channels // heads) ** -0.5
        self.q = nn.Linear(channels, channels, bias=qkv_bias)
        self.kv = nn.Linear(channels, 2 * channels, bias=qkv_bias)
        self.attn_drop = nn.Identity()
        self.proj = nn.Linear(channels, channels)
        self.proj_drop = nn.Identity()
        self.reduction = reduction
        if reduction > 1:
            self.sr = nn.Conv2d(channels, channels, reduction, reduction)
            self.norm = nn.LayerNorm(channels)

    def forward(self, tokens, height, width):
        n, length, channels = tokens.shape
        q = self.q(tokens).reshape(n, length, self.heads, -1).transpose(1, 2)
        if self.reduction > 1:
            tokens = self.norm(to_tokens(self.sr(to_map(tokens, height, width))))
        k, v = self.kv(tokens).reshape(n, -1, 2, self.heads, channels // self.heads).permute(2, 0, 3, 1, 4)
        weights = self.attn_drop(((q * self.scale) @ k.transpose(-2, -1)).softmax(-1))
        return self.proj_drop(self.proj((weights @ v).transpose(1, 2).reshape(n, length, channels)))


class DepthwiseConv(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)

    def forward(self, tokens, height, width):
        return to_tokens(self.dwconv(to_map(tokens, height, width)))


class Mlp(nn.Module):
    """Linear, 3x3 depthwise convolution, GELU, linear."""

    def __init__(self, channels, hidden):
        super().__init__()
        self.fc1 = nn.Linear(channels, hidden)
        self.dwconv = DepthwiseConv(hidden)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(hidden, channels)
        self.drop = nn.Identity()

    def forward(self, tokens, height, width):
        hidden = self.drop(self.act(self.dwconv(self.fc1(tokens), height, width)))
        return self.drop(self.fc2(hidden))


class Block(nn.Module):
    """A pre-norm transformer block. Dropout and drop-path are identities here: the fixtures and timings use rate 0."""

    def __init__(self, channels, heads, mlp_ratio, reduction, qkv_bias=True, eps=1e-6):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels, eps=eps)
        self.attn = Attention(channels, heads, reduction, qkv_bias)
        self.drop_path = nn.Identity()
        self.norm2 = nn.LayerNorm(channels, eps=eps)
        self.mlp = Mlp(channels, channels * mlp_ratio)

    def forward(self, tokens, height, width):
        tokens = tokens + self.drop_path(self.attn(self.norm1(tokens), height, width))
        return tokens + self.drop_path(self.mlp(self.norm2(tokens), height, width))


class PyramidVisionTransformerV2B2(nn.Module):
    """PVT-v2-B2 (Wang et al. 2022): [N, 3, H, W] to four maps with strides 4, 8, 16, 32.

    https://arxiv.org/abs/2106.13797
    """

    channels = (64, 128, 320, 512)

    def __init__(self):
        super().__init__()
        inputs = (3, *self.channels[:-1])
        for i, (a, b) in enumerate(zip(inputs, self.channels), 1):
            self.add_module(f'patch_embed{i}', PatchEmbed(a, b, 7 if i == 1 else 3, 4 if i == 1 else 2))
        stages = zip(self.channels, (3, 4, 6, 3), (1, 2, 5, 8), (8, 8, 4, 4), (8, 4, 2, 1))
        for i, (width, depth, heads, ratio, reduction) in enumerate(stages, 1):
            self.add_module(f'block{i}', nn.ModuleList(Block(width, heads, ratio, reduction) for _ in range(depth)))
            self.add_module(f'norm{i}', nn.LayerNorm(width, eps=1e-6))

    def forward(self, x):
        maps = []
        for i in range(1, 5):
            x, height, width = getattr(self, f'patch_embed{i}')(x)
            for block in getattr(self, f'block{i}'):
                x = block(x, height, width)
            x = to_map(getattr(self, f'norm{i}')(x), height, width)
            maps.append(x)
        return maps


# --- M2SFormer -------------------------------------------------------------------------------------------------------


def conv_norm_relu(in_channels, channels, kernel_size=1, dilation=1, bias=False):
    padding = dilation * (kernel_size // 2)
    return (
        nn.Conv2d(in_channels, channels, kernel_size, padding=padding, dilation=dilation, bias=bias),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
    )


# The sixteen strongest DCT frequencies of FcaNet (row, column), for a 7x7 grid: https://arxiv.org/abs/2012.11879
TOP16 = list(
    zip((0, 0, 6, 0, 0, 1, 1, 4, 5, 1, 3, 0, 0, 0, 3, 2), (0, 1, 0, 5, 2, 0, 2, 0, 0, 6, 0, 4, 6, 3, 5, 2))
)


def dct_basis(frequency, size):
    """One row of the orthonormal DCT-II matrix, in double: [size]."""
    position = torch.arange(size, dtype=torch.float64) + 0.5
    row = torch.cos(math.pi * frequency * position / size) / math.sqrt(size)
    return row * math.sqrt(2) if frequency > 0 else row


class MultiScaleMultiSpectral(nn.Module):
    """The M2S block: channel attention over DCT coefficients, then spatial attention at `scales` resolutions."""

    def __init__(self, skip_channels=64, resolution=32, scales=2, min_channels=64, reduction=16):
        super().__init__()
        channels = 4 * skip_channels
        self.resolution = resolution
        self.scales = scales
        for k, (row, column) in enumerate(TOP16):
            u, v = (dct_basis(index * resolution // 7, resolution) for index in (row, column))
            weight = torch.outer(u, v).to(torch.get_default_dtype()).expand(channels, -1, -1).contiguous()
            self.register_buffer(f'dct_weight_{k}', weight)
        self.avg_channel_pool = nn.AdaptiveAvgPool2d(1)
        self.max_channel_pool = nn.AdaptiveMaxPool2d(1)
        self.fc = nn.Sequential(
            nn.Conv2d(channels, channels // reduction, 1, bias=False),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels // reduction, channels, 1, bias=False),
        )
        for s in range(scales):
            width = max(channels >> s, min_channels)
            init = nn.Sequential(*conv_norm_relu(channels, channels, 3, 1 + s), *conv_norm_relu(channels, width))
            self.add_module(f'init_conv_scale_{s}', init)
            attention = nn.Sequential(nn.Conv2d(width, 1, 1, bias=False), nn.Sigmoid())
            self.add_module(f'spatial_attention_map_scale_{s}', attention)
            self.add_module(f'final_conv_scale_{s}', nn.Sequential(*conv_norm_relu(width, channels)))
        self.alpha_list = nn.ParameterList(nn.Parameter(torch.ones(1)) for _ in range(scales))
        self.beta_list = nn.ParameterList(nn.Parameter(torch.ones(1)) for _ in range(scales))

    def channel_attention(self, x):
        spectra = [x * getattr(self, f'dct_weight_{k}') for k in range(len(TOP16))]
        pairs = [(self.avg_channel_pool(s), self.max_channel_pool(s)) for s in spectra]
        average, maximum = (sum(pooled) / len(TOP16) for pooled in zip(*pairs))
        return torch.sigmoid(self.fc(average) + self.fc(maximum))

    def spatial_attention(self, x, s):
        pooled = x if s == 0 else F.avg_pool2d(x, 2**s)
        f = getattr(self, f'init_conv_scale_{s}')(pooled)
        a = getattr(self, f'spatial_attention_map_scale_{s}')(f)
        weighted = f * a * self.alpha_list[s] + f * (1 - a) * self.beta_list[s]
        return resize(getattr(self, f'final_conv_scale_{s}')(weighted), x.shape[-2:])

    def forward(self, skips):
        side = (self.resolution, self.resolution)
        x = torch.cat([resize(skip, side) for skip in skips], 1)
        x = x * self.channel_attention(x)
        x = x + sum(self.spatial_attention(x, s) for s in range(self.scales)) / self.scales
        return [resize(part, skip.shape[-2:]) for part, skip in zip(x.chunk(4, 1), skips)]


class SkipConnection(nn.Module):
    def __init__(self, channels=64):
        super().__init__()
        for i, width in enumerate(PyramidVisionTransformerV2B2.channels, 1):
            reduction = nn.Sequential(*conv_norm_relu(width, channels, bias=True))
            self.add_module(f'skip_connection_reduction{i}', reduction)
        self.msms_block = MultiScaleMultiSpectral(channels)

    def forward(self, maps):
        return self.msms_block([getattr(self, f'skip_connection_reduction{i}')(x) for i, x in enumerate(maps, 1)])


class TextGuidedAttention(nn.Module):
    """Channel attention from a text feature: x [N, C, H, W], text [N, T] to [N, C, H, W]."""

    def __init__(self, channels, text_length=300, reduction=16):
        super().__init__()
        hidden = channels // reduction
        self.attention_map = nn.Sequential(
            nn.Conv2d(text_length, hidden, 1),
            nn.BatchNorm2d(hidden),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x, text):
        return x * self.attention_map(text[:, :, None, None])


class DecoderStage(nn.Module):
    def __init__(self, in_channels, channels):
        super().__init__()
        self.patch_embedding = PatchEmbed(in_channels, channels, 3, 1)
        self.block = Block(channels, heads=1, mlp_ratio=4, reduction=1, qkv_bias=False, eps=1e-5)
        self.norm = nn.LayerNorm(channels)
        self.text_guided_attention = TextGuidedAttention(channels)

    def forward(self, x, skip, text):
        x = torch.cat([resize(x, skip.shape[-2:]), skip], 1)
        tokens, height, width = self.patch_embedding(x)
        x = to_map(self.norm(self.block(tokens, height, width)), height, width)
        return self.text_guided_attention(x, text)


class SegmentationHead(nn.Module):
    def __init__(self, channels):
        super().__init__()
        upsample = lambda: nn.Upsample(scale_factor=4, mode='bilinear', align_corners=True)
        self.region_conv = nn.Sequential(nn.Conv2d(channels, 1, 1), upsample())
        self.edge_conv = nn.Sequential(nn.Conv2d(channels, 1, 1), upsample())

    def forward(self, x):
        return self.region_conv(x), self.edge_conv(x)


SOBEL_X = ((1.0, 0.0, -1.0), (2.0, 0.0, -2.0), (1.0, 0.0, -1.0))


def sobel_pair(x):
    kernel = torch.tensor(SOBEL_X, dtype=x.dtype)
    return kernel[None, None], kernel.T[None, None]


def curvature(prior):
    """Level-set curvature of the prior's logits [N, 1, H, W], and the derivatives it is made of.

    Sobel filters without normalization and with zero padding, so that the frame of the image counts as an edge.
    """
    kx, ky = sobel_pair(prior)
    fx, fy = F.conv2d(prior, kx, padding=1), F.conv2d(prior, ky, padding=1)
    fxx, fxy = F.conv2d(fx, kx, padding=1), F.conv2d(fx, ky, padding=1)
    fyx, fyy = F.conv2d(fy, kx, padding=1), F.conv2d(fy, ky, padding=1)
    numerator = fx**2 * fyy - 2 * fx * fy * fxy + fy**2 * fxx
    kappa = numerator / ((fx**2 + fy**2) ** 1.5 + 1e-8)
    return {'fx': fx, 'fy': fy, 'fxx': fxx, 'fxy': fxy, 'fyx': fyx, 'fyy': fyy, 'kappa': kappa}


def edge_magnitude(mask):
    """Sobel gradient magnitude of a mask [N, 1, H, W], kernels divided by 8, replicate padding."""
    padded = F.pad(mask, (1, 1, 1, 1), mode='replicate')
    gx, gy = (F.conv2d(padded, kernel / 8) for kernel in sobel_pair(mask))
    return torch.sqrt(gx**2 + gy**2 + 1e-6)


def positive_weight(mask):
    """Authentic over tampered pixels of each sample: [N, 1, H, W] to [N, 1, 1, 1]."""
    positive = mask.sum((1, 2, 3), keepdim=True)
    return (mask[0].numel() - positive) / (positive + 1e-6)


class M2SFormer(nn.Module):
    """M2SFormer with a PVT-v2-B2 encoder: [N, 3, H, W] to logits (region, edge, prior), each [N, 1, H, W].

    Nam et al. 2025, https://arxiv.org/abs/2506.20922. Unlike the paper, as in the released code: difficulty is the sign
    of the summed curvature of the prior's logits, and region and prior are weighted against the few tampered pixels.
    """

    def __init__(self):
        super().__init__()
        self.feature_encoding = PyramidVisionTransformerV2B2()
        self.skip_connection_module = SkipConnection()
        self.decoder_stage1 = DecoderStage(64 + 64, 256)
        self.decoder_stage2 = DecoderStage(256 + 64, 128)
        self.decoder_stage3 = DecoderStage(128 + 64, 64)
        self.global_prior = nn.Sequential(
            nn.Conv2d(64, 1, 1), nn.Upsample(scale_factor=32, mode='bilinear', align_corners=True)
        )
        self.seg_head = SegmentationHead(64)
        # 'easy' and 'hard'; set from outside, as no part of the state.
        self.text_embed = torch.randn(2, 300, generator=torch.Generator().manual_seed(0))

    def difficulty(self, prior):
        """0 for easy and 1 for hard: [N]."""
        with torch.no_grad():
            return (curvature(prior)['kappa'].sum((1, 2, 3)) > 0).long()

    def forward(self, x):
        skips = self.skip_connection_module(self.feature_encoding(x))
        prior = self.global_prior(skips[3])
        text = self.text_embed[self.difficulty(prior)]
        x = self.decoder_stage1(skips[3], skips[2], text)
        x = self.decoder_stage2(x, skips[1], text)
        x = self.decoder_stage3(x, skips[0], text)
        return (*self.seg_head(x), prior)

    @staticmethod
    def loss(logits, mask):
        region, edge, prior = logits
        edge_target = (edge_magnitude(mask) >= 0.5).to(mask.dtype)
        weight = positive_weight(mask)
        bce = F.binary_cross_entropy_with_logits
        return (
            bce(region, mask, pos_weight=weight)
            + bce(edge, edge_target)
            + bce(prior, mask, pos_weight=weight)
        )
