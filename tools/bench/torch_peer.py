#!/usr/bin/env python3
"""The PyTorch side of the benchmark: a process that times one job, on request.

Reads JSON requests from stdin, one a line, and answers each with one JSON line on stdout:

    {"model": "m2sformer" | "cdfl" | "sdpal" | "mpc" | "mpc-contrast" | "unet", "mode": "inference" | "train", "batch": n, "size": 256}
        builds the job; must come first, once          -> {"ready": true, "parameters", "versions", "threads", <memory>}
    {"run": k}
        runs the job k times                           -> {"ms": [k numbers], "value": a number, <memory>}
    end of input ends the process.

<memory> is {"importRssBytes", "builtRssBytes", "peakRssBytes"}: resident memory after importing PyTorch, after building
the job, and the peak so far. One process does one job, so that the peak is that job's own. "value" (mean logit or loss)
says that real work was done. Nothing is warmed up unasked: the caller drops the first runs.

An ordinary, good PyTorch program: eager mode, float32, contiguous input, two threads, in-place ReLU, oneDNN as PyTorch
sets it up; inference in eval mode under torch.inference_mode; a training step is forward in train mode, loss, backward,
AdamW and zero_grad(set_to_none=True). No compilation, no channels_last, no reduced precision.

    python3 tools/bench/torch_peer.py --selftest      counts parameters and runs each job once, small batches
"""

import json
import platform
import resource
import sys
import time

import torch

THREADS = 2
torch.set_num_threads(THREADS)


def status_bytes(field):
    """A memory field of /proc/self/status in bytes, or None where there is no such file."""
    try:
        with open('/proc/self/status') as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field + ':'))
    except FileNotFoundError:
        return None


def peak_rss():
    # Linux carries ru_maxrss over from the process that started this one; VmHWM starts anew with the program.
    scale = 1 if sys.platform == 'darwin' else 1024
    return status_bytes('VmHWM') or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


def rss():
    return status_bytes('VmRSS') or peak_rss()


IMPORT_RSS = rss()

from torch_models import M2SFormer, UNet  # noqa: E402 (PyTorch's own memory is measured before)
from torch_mpc import MPC, MPCContrast  # noqa: E402
from torch_patterns import CDFL, SDPAL  # noqa: E402

MODELS = {'m2sformer': M2SFormer, 'cdfl': CDFL, 'sdpal': SDPAL, 'mpc': MPC, 'mpc-contrast': MPCContrast, 'unet': UNet}


class Job:
    """One model in one mode on one batch; `step()` does the work once and gives the number that it ends in."""

    def __init__(self, model, mode, batch, size):
        torch.manual_seed(0)
        self.model = MODELS[model]()
        self.image = torch.randn(batch, 3, size, size)
        self.mask = (torch.rand(batch, 1, size, size) < 0.2).float()
        self.step = {'inference': self.infer, 'train': self.train}[mode]
        self.model.train(mode == 'train')
        if mode == 'train':
            self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-4, weight_decay=1e-4)

    def infer(self):
        with torch.inference_mode():
            logits = self.model(self.image)
        return (logits if torch.is_tensor(logits) else logits[0]).mean().item()

    def train(self):
        loss = self.model.loss(self.model(self.image), self.mask)
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss.item()

    def run(self, times):
        ms = []
        for _ in range(times):
            start = time.perf_counter()
            value = self.step()
            ms.append((time.perf_counter() - start) * 1000)
        return {'ms': ms, 'value': value}


def count(model):
    return sum(p.numel() for p in model.parameters())


def serve():
    job, built = None, None
    for line in sys.stdin:
        request = json.loads(line)
        if job is None:
            job = Job(request['model'], request['mode'], request['batch'], request['size'])
            built = rss()
            versions = {'python': platform.python_version(), 'torch': torch.__version__}
            answer = {'ready': True, 'parameters': count(job.model), 'versions': versions, 'threads': THREADS}
        else:
            answer = job.run(request['run'])
        memory = {'importRssBytes': IMPORT_RSS, 'builtRssBytes': built, 'peakRssBytes': peak_rss()}
        print(json.dumps({**answer, **memory}), flush=True)


def selftest():
    expected = {'m2sformer': 28_149_291, 'cdfl': 78_895_266, 'sdpal': 78_300_194, 'mpc': 45_035_227, 'mpc-contrast': 45_035_227, 'unet': 7_785_729}
    for name in MODELS:
        for mode, batch in (('inference', 1), ('train', 2)):
            job = Job(name, mode, batch, 256)
            parameters = count(job.model)
            assert parameters == expected[name], f'{name}: {parameters} parameters, expected {expected[name]}'
            result = job.run(1)
            assert result['value'] == result['value'], f'{name} {mode}: not a number'
            print(f'{name} {mode}: {parameters:,} parameters, {result["ms"][0]:.0f} ms, value {result["value"]:.6f}')


if __name__ == '__main__':
    selftest() if sys.argv[1:] == ['--selftest'] else serve()
