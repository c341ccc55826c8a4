"""Writes packages/metrics/src/fixtures/scikit-learn.json: metrics of seeded random images by scikit-learn.

Run with Debian's python3-sklearn (1.2.1): /usr/bin/python3 tools/golden/metrics.py
"""

import json
import pathlib

import numpy as np
import sklearn
from sklearn import metrics

THRESHOLD = 0.5
rng = np.random.default_rng(2026)


def case(name, scores, labels):
    scores = scores.astype(np.float32)
    prediction = scores > THRESHOLD
    tn, fp, fn, tp = metrics.confusion_matrix(labels, prediction, labels=[0, 1]).ravel()
    return {
        "name": name,
        "scores": [float(s) for s in scores],
        "labels": [int(label) for label in labels],
        "counts": {"tp": int(tp), "fp": int(fp), "fn": int(fn), "tn": int(tn)},
        "precision": metrics.precision_score(labels, prediction),
        "recall": metrics.recall_score(labels, prediction),
        "f1": metrics.f1_score(labels, prediction),
        "iou": metrics.jaccard_score(labels, prediction),
        "mcc": metrics.matthews_corrcoef(labels, prediction),
        "specificity": metrics.recall_score(labels, prediction, pos_label=0),
        "auc": metrics.roc_auc_score(labels, scores),
        "averagePrecision": metrics.average_precision_score(labels, scores),
    }


def labels(n, fraction):
    return (rng.random(n) < fraction).astype(int)


half, rare = labels(60, 0.5), labels(200, 0.05)
rare[0] = 1
cases = [
    case("chance", rng.random(60), half),
    case("informative", np.clip(0.3 * half + 0.7 * rng.random(60), 0, 1), half),
    case("many ties, some at the threshold", rng.integers(0, 5, 60) / 4, half),
    case("rare and tied", np.round(np.clip(0.4 * rare + 0.6 * rng.random(200), 0, 1), 1), rare),
    case("inverted", 1 - half * 0.8 - 0.1 * rng.random(60), half),
]

path = pathlib.Path(__file__).parents[2] / "packages/metrics/src/fixtures/scikit-learn.json"
path.write_text(json.dumps({"scikitLearn": sklearn.__version__, "threshold": THRESHOLD, "cases": cases}) + "\n")
print(path, path.stat().st_size, "bytes")
