"""Writes packages/autograd/src/fixtures/*.npy, and float16.json, with NumPy.

Run with Debian's python3-numpy (1.24.2): /usr/bin/python3 tools/golden/formats.py
"""

import json
import pathlib

import numpy as np
from numpy.lib import format as npy

folder = pathlib.Path(__file__).parents[2] / "packages/autograd/src/fixtures"
folder.mkdir(exist_ok=True)


def write(name, array, version=(1, 0)):
    with open(folder / f"{name}.npy", "wb") as file:
        npy.write_array(file, array, version=version)


values = np.array([[-1.5, 0, 2.25], [65504, -0.0, 6e-8]])
for dtype in ("float32", "float16", "float64"):
    write(dtype, values.astype(dtype))
for dtype in ("int64", "int32", "uint8", "bool"):
    write(dtype, np.array([0, 1, 200, 7]).astype(dtype))
write("scalar", np.array(3.5, np.float32))
write("version2", np.arange(6, dtype=np.int32).reshape(1, 2, 3), (2, 0))
write("version3", np.arange(6, dtype=np.int32).reshape(1, 2, 3), (3, 0))
write("fortran", np.asfortranarray(values.astype(np.float32)))
write("big-endian", values.astype(">f4"))

# Numbers around every kind of rounding to float16, and what they become.
rng = np.random.default_rng(2026)
numbers = np.concatenate([
    np.array([0.0, -0.0, 1.0, 2049.0, 2051.0, 65519.99, 65520.0, 1e9, 2**-24, 2**-25, 3 * 2**-25, 2**-14 - 2**-26]),
    rng.standard_normal(40) * 10.0 ** rng.integers(-9, 6, 40),
])
with np.errstate(over="ignore"):
    bits = numbers.astype(np.float16).view(np.uint16)
(folder / "float16.json").write_text(json.dumps({"numbers": numbers.tolist(), "bits": bits.tolist()}) + "\n")
