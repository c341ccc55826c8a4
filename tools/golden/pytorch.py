"""Writes packages/autograd/src/fixtures/*.pth and packages/models/src/fixtures/official.pth: checkpoints of PyTorch in
its three formats, and files that want to run something.

Run with Debian's python3-torch (1.13.1): /usr/bin/python3 tools/golden/pytorch.py
"""

import argparse
import builtins
import collections
import io
import os
import pathlib
import pickle
import struct
import tarfile
import zipfile

import numpy as np
import torch

packages = pathlib.Path(__file__).parents[2] / "packages"
folder = packages / "autograd/src/fixtures"


def tensors():
    counted = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    return collections.OrderedDict(
        float32=counted.clone(),
        transposed=counted.clone().t(),
        every_other=torch.arange(24, dtype=torch.int64).reshape(2, 3, 4)[:, ::2, 1:3],
        # Two tensors in one storage.
        first_row=counted[0],
        last_row=counted[2],
        expanded=torch.tensor([5.0]).expand(2, 3),
        float16=torch.tensor([-1.5, 65504], dtype=torch.float16),
        bfloat16=torch.tensor([[-1.5, 3.0]], dtype=torch.bfloat16),
        float64=torch.tensor([0.1], dtype=torch.float64),
        int64=torch.tensor(2**53 + 1),
        int32=torch.tensor([-7], dtype=torch.int32),
        uint8=torch.tensor([200], dtype=torch.uint8),
        bool=torch.tensor([True, False]),
        empty=torch.zeros(0, 3),
        parameter=torch.nn.Parameter(torch.ones(2)),
    )


def training():
    """What trainings save: weights, and much beside them."""
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.Adam([weight], lr=0.5)
    weight.sum().backward()
    optimizer.step()
    return {
        "epoch": 7,
        "large": [2**40, -(2**80), 0.25, True, None, "ü"],
        "bytes": b"\0",
        "best": np.float64(0.5),
        "args": argparse.Namespace(lr=0.1, device=torch.device("cpu"), sizes=torch.Size([2, 3])),
        "history": collections.defaultdict(dict, {"f1": {1: 0.5}}),
        "optimizer": optimizer.state_dict(),
        "state_dict": tensors(),
    }


def save(name, value, zipped=True, protocol=2):
    # Written through memory, so that the folder in the zip is always called archive.
    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=zipped, pickle_protocol=protocol)
    (folder / name).write_bytes(buffer.getvalue())


class Calls:
    """Pickled as a call."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def write_tar(name):
    """The format of 2016, which torch.load still reads, and no version since 0.1.10 writes."""
    weight, rows = torch.arange(6, dtype=torch.float32).reshape(2, 3), torch.tensor([[1, 3], [2, 4]])
    saved = [(1, weight, weight.stride(), (2, 3)), (2, rows, (1, 2), (2, 2))]
    dumps = lambda value: pickle.dumps(value, 2)
    storages = dumps(len(saved))
    contents = dumps(len(saved))
    for key, tensor, strides, shape in saved:
        kind = torch.FloatStorage if tensor.dtype == torch.float32 else torch.LongStorage
        storages += dumps((key + 10, "cpu", kind)) + struct.pack("<q", tensor.numel()) + tensor.numpy().tobytes()
        contents += dumps((key, key + 10, torch.FloatTensor)) + struct.pack("<ii", len(shape), 0)
        contents += struct.pack(f"<{2 * len(shape) + 1}q", *shape, *strides, 0)
    storages += dumps([])

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            return value.key if isinstance(value, Numbered) else None

    main = io.BytesIO()
    Pickler(main, 2).dump(collections.OrderedDict(weight=Numbered(1), rows=Numbered(2)))
    with tarfile.open(folder / name, "w:", format=tarfile.PAX_FORMAT) as tar:
        for part, data in (("storages", storages), ("tensors", contents), ("pickle", main.getvalue())):
            entry = tarfile.TarInfo(part)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    loaded = torch.load(folder / name)
    assert loaded["weight"].tolist() == weight.tolist() and loaded["rows"].tolist() == [[1, 2], [3, 4]]


class Numbered:
    def __init__(self, key):
        self.key = key


torch.manual_seed(0)
save("zip.pth", training())
save("legacy.pth", training(), zipped=False)
save("protocol4.pth", training(), protocol=4)
write_tar("tar.pth")

# What must be refused. None of it was ever run.
save("os-system.pth", {"state_dict": tensors(), "hook": Calls(os.system, "touch forgelens-ran-this")})
save("os-system-legacy.pth", {"hook": Calls(os.system, "touch forgelens-ran-this")}, zipped=False)
save("eval.pth", {"args": argparse.Namespace(hook=Calls(builtins.eval, "1 + 1"))}, protocol=4)
save("module.pth", torch.nn.Linear(1, 1))
save("int16.pth", torch.zeros(1, dtype=torch.int16))
save("outside.pth", Calls(torch._utils._rebuild_tensor_v2, torch.FloatStorage(4), 1, (2, 2), (2, 1), False, None))


def rewrite(name, compression, replaced={}):
    """The zip archive as another program might write it."""
    with zipfile.ZipFile(folder / "int16.pth") as source, zipfile.ZipFile(folder / name, "w", compression) as target:
        for entry in source.namelist():
            target.writestr(zipfile.ZipInfo(entry), source.read(entry), compression)
        for entry, data in replaced.items():
            target.writestr(zipfile.ZipInfo(entry), data)


rewrite("compressed.pth", zipfile.ZIP_DEFLATED)
rewrite("big-endian.pth", zipfile.ZIP_STORED, {"archive/byteorder": "big"})

# The checkpoint of a small network, as DataParallel names its parts.
official = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3, padding=1), torch.nn.BatchNorm2d(2), torch.nn.Conv2d(2, 1, 1))
buffer = io.BytesIO()
torch.save({"epoch": 3, "state_dict": torch.nn.DataParallel(official).state_dict()}, buffer)
(packages / "models/src/fixtures").mkdir(exist_ok=True)
(packages / "models/src/fixtures/official.pth").write_bytes(buffer.getvalue())
