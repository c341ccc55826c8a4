"""MPC with HRFormer-base in ordinary PyTorch layers, with the names of the official checkpoint of stage 2.

cspell:ignore proj randperm
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

WIDTHS, HEADS, MODULES = (78, 156, 312, 624), (2, 4, 8, 16), (1, 4, 2)
WINDOW, BLOCKS, FEATURES, MOST_PIXELS, TEMPERATURE = 7, 2, 256, 5000, 0.1


def conv_norm(in_channels, out_channels, size, relu=True, **config):
    layers = [
        nn.Conv2d(in_channels, out_channels, size, padding=size // 2, bias=False, **config),
        nn.BatchNorm2d(out_channels),
    ]
    return nn.Sequential(*layers, nn.ReLU(inplace=True)) if relu else nn.Sequential(*layers)


class Bottleneck(nn.Module):
    def __init__(self, in_channels, width):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = None if in_channels == 4 * width else conv_norm(in_channels, 4 * width, 1, relu=False)

    def forward(self, x):
        h = F.relu(self.bn1(self.conv1(x)), inplace=True)
        h = F.relu(self.bn2(self.conv2(h)), inplace=True)
        return F.relu(self.bn3(self.conv3(h)) + (x if self.downsample is None else self.downsample(x)), inplace=True)


class Attention(nn.Module):
    """Attention of the tokens of each window, with a bias for each offset: [windows, 49, C] to the same."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * WINDOW - 1) ** 2, heads))
        place = torch.stack(torch.meshgrid(torch.arange(WINDOW), torch.arange(WINDOW), indexing='ij')).flatten(1)
        offset = place[:, :, None] - place[:, None, :] + WINDOW - 1
        self.register_buffer('relative_position_index', offset[0] * (2 * WINDOW - 1) + offset[1])
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.q_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x):
        windows, places, width = x.shape
        x = x.transpose(0, 1)  # Places first, as the official code has it: parity fixtures hold what projections give.
        by_head = lambda y: y.view(places, windows, self.heads, width // self.heads).permute(1, 2, 0, 3)
        q = by_head(self.q_proj(x)) * (width // self.heads) ** -0.5
        k, v = by_head(self.k_proj(x)), by_head(self.v_proj(x))
        bias = self.relative_position_bias_table[self.relative_position_index].permute(2, 0, 1)
        weights = (q @ k.transpose(-2, -1) + bias).softmax(-1)
        return self.out_proj((weights @ v).transpose(1, 2).reshape(windows, places, width))


class WindowAttention(nn.Module):
    """Cuts a padded map into windows: [N, H·W, C] to the same."""

    def __init__(self, width, heads):
        super().__init__()
        self.attn = Attention(width, heads)

    def forward(self, x, height, width):
        n, _, channels = x.shape
        down, right = -(-height // WINDOW), -(-width // WINDOW)
        missing = (down * WINDOW - height, right * WINDOW - width)
        top, left = missing[0] // 2, missing[1] // 2
        margins = (0, 0, left, missing[1] - left, top, missing[0] - top)
        padded = F.pad(x.view(n, height, width, channels), margins)
        cut = padded.view(n, down, WINDOW, right, WINDOW, channels).transpose(2, 3)
        y = self.attn(cut.reshape(-1, WINDOW**2, channels))
        whole = y.view(n, down, right, WINDOW, WINDOW, channels).transpose(2, 3).reshape(padded.shape)
        return whole[:, top : top + height, left : left + width].reshape(x.shape)


class Mlp(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.fc1 = nn.Conv2d(width, hidden, 1)
        self.norm1 = nn.BatchNorm2d(hidden)
        self.dw3x3 = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)
        self.norm2 = nn.BatchNorm2d(hidden)
        self.fc2 = nn.Conv2d(hidden, width, 1)
        self.norm3 = nn.BatchNorm2d(width)

    def forward(self, x, height, width):
        h = x.transpose(1, 2).reshape(x.shape[0], -1, height, width)
        h = F.gelu(self.norm1(self.fc1(h)))
        h = F.gelu(self.norm2(self.dw3x3(h)))
        return F.gelu(self.norm3(self.fc2(h))).flatten(2).transpose(1, 2)


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = WindowAttention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = Mlp(width, 4 * width)

    def forward(self, x):
        n, channels, height, width = x.shape
        tokens = x.flatten(2).transpose(1, 2)
        tokens = tokens + self.attn(self.norm1(tokens), height, width)
        tokens = tokens + self.mlp(self.norm2(tokens), height, width)
        return tokens.transpose(1, 2).reshape(n, channels, height, width)


def fuse_up(in_channels, out_channels, steps):
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.Upsample(scale_factor=2**steps, mode='nearest'),
    )


def fuse_down(in_channels, out_channels, steps):
    chain = []
    for k in range(steps):
        last = k == steps - 1
        width = out_channels if last else in_channels
        chain.append(
            nn.Sequential(
                nn.Conv2d(in_channels, in_channels, 3, stride=2, padding=1, groups=in_channels, bias=False),
                nn.BatchNorm2d(in_channels),
                nn.Conv2d(in_channels, width, 1, bias=False),
                nn.BatchNorm2d(width),
                *([] if last else [nn.ReLU(inplace=True)]),
            )
        )
    return nn.Sequential(*chain)


class HrModule(nn.Module):
    def __init__(self, widths, heads):
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(*(Block(width, h) for _ in range(BLOCKS))) for width, h in zip(widths, heads)
        )
        fuse = lambda i, j: None if i == j else (fuse_up if j > i else fuse_down)(widths[j], widths[i], abs(i - j))
        self.fuse_layers = nn.ModuleList(
            nn.ModuleList(fuse(i, j) for j in range(len(widths))) for i in range(len(widths))
        )

    def forward(self, maps):
        maps = [branch(x) for branch, x in zip(self.branches, maps)]
        bring = lambda fuse, x: x if fuse is None else fuse(x)
        return [F.relu(sum(bring(fuse, x) for fuse, x in zip(row, maps))) for row in self.fuse_layers]


class Project(nn.Module):
    def __init__(self, in_channels):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, FEATURES, 1, bias=False)
        self.bn = nn.BatchNorm2d(FEATURES, eps=1e-3, momentum=0.03)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)), inplace=True)


class Stage(nn.ModuleList):
    def forward(self, maps):
        for module in self:
            maps = module(maps)
        return maps


class Encoder(nn.Module):
    """[N, 3, H, W] to four maps [N, 256, H / 2^(i+2), W / 2^(i+2)]."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.conv2 = nn.Conv2d(64, 64, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(Bottleneck(64, 64), Bottleneck(256, 64))
        coarser = lambda in_channels, out_channels: nn.Sequential(conv_norm(in_channels, out_channels, 3, stride=2))
        self.transition1 = nn.ModuleList([conv_norm(256, WIDTHS[0], 3), coarser(256, WIDTHS[1])])
        self.transition2 = nn.ModuleList([None, None, coarser(WIDTHS[1], WIDTHS[2])])
        self.transition3 = nn.ModuleList([None, None, None, coarser(WIDTHS[2], WIDTHS[3])])
        for stage, count in enumerate(MODULES, 2):
            self.add_module(f'stage{stage}', Stage(HrModule(WIDTHS[:stage], HEADS[:stage]) for _ in range(count)))
        self.convs = nn.ModuleList(Project(width) for width in WIDTHS)

    def forward(self, image):
        x = F.relu(self.bn1(self.conv1(image)), inplace=True)
        x = self.layer1(F.relu(self.bn2(self.conv2(x)), inplace=True))
        maps = self.stage2([layer(x) for layer in self.transition1])
        maps = self.stage3([*maps, self.transition2[-1](maps[-1])])
        maps = self.stage4([*maps, self.transition3[-1](maps[-1])])
        return [conv(x) for conv, x in zip(self.convs, maps)]


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        layers = [nn.BatchNorm2d(4 * FEATURES), nn.ReLU(inplace=True)]
        widths = (4 * FEATURES, 512, 256, 128)
        for a, b in zip(widths, widths[1:]):
            layers += [nn.Conv2d(a, b, 1), nn.BatchNorm2d(b), nn.ReLU(inplace=True)]
        self.classifier = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 1))

    def forward(self, x):
        return self.classifier(x)


def info_nce(query, negative):
    """The mean of ln(1 + sum exp((cos(q, n) - p) / T)), p the mean cosine of a query with all others."""
    if len(query) < 2 or len(negative) == 0:
        return query.sum() * 0
    query, negative = F.normalize(query, dim=-1), F.normalize(negative, dim=-1)
    same = query @ query.T
    positive = (same.sum(1) - same.diagonal()) / (len(query) - 1)
    logits = torch.cat([positive[:, None], query @ negative.T], 1) / TEMPERATURE
    return F.cross_entropy(logits, torch.zeros(len(query), dtype=torch.long))


def some(rows):
    """At most so many rows, at random."""
    return rows if len(rows) <= MOST_PIXELS else rows[torch.randperm(len(rows))[:MOST_PIXELS]]


class MPC(nn.Module):
    """[N, 3, H, W] in [0, 1] to logits [N, 1, H / 4, W / 4]."""

    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.decoder = Head()

    def forward(self, image):
        maps = self.encoder(image)
        size = maps[0].shape[2:]
        brought = [F.interpolate(x, size, mode='bilinear', align_corners=True) for x in maps[1:]]
        return self.decoder(torch.cat([maps[0], *brought], 1))

    def loss(self, logits, mask):
        """Focal loss with alpha 0.5 and gamma 2; the mask at the size of the logits or of the image."""
        target = self.coarse(mask, logits.shape[2:])
        bce = F.binary_cross_entropy_with_logits(logits, target, reduction='none')
        return (0.5 * (1 - torch.exp(-bce)) ** 2 * bce).mean()

    @staticmethod
    def coarse(mask, size):
        return (F.interpolate(mask, size, mode='bilinear', align_corners=False) > 127 / 255).to(mask.dtype)

    def contrast(self, image, mask):
        """The loss of stage 1: two passes and three contrasts."""
        maps, again = self.encoder(image), self.encoder(image)[0]
        masks = [self.coarse(mask, maps[0].shape[2:])]
        masks += [F.interpolate(masks[0], x.shape[2:], mode='nearest') for x in maps[1:]]
        total = 0
        for n in range(len(image)):
            rows = [x[n].flatten(1).T for x in (*maps, again)]
            tampered = [m[n].flatten() > 0.5 for m in (*masks, masks[0])]
            kind = lambda views, is_tampered: some(
                torch.cat([rows[i][tampered[i] if is_tampered else ~tampered[i]] for i in views])
            )
            for query, negative in (((0,), (0,)), ((0,), (1, 2, 3)), ((1, 2, 3), (0,)), ((0,), (4,)), ((4,), (0,))):
                total = total + info_nce(kind(query, False), kind(negative, True))
        return total / len(image)


class MPCContrast(MPC):
    """Stage 1, as the benchmark calls a model: the passes are part of the loss."""

    def forward(self, image):
        return image

    def loss(self, image, mask):
        return self.contrast(image, mask)
