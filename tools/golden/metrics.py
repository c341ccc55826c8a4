"""Writes packages/metrics/src/fixtures/scikit-learn.json: metrics of seeded random and degenerate images by scikit-learn.

Run with Debian's python3-sklearn (1.2.1): /usr/bin/python3 tools/golden/metrics.py
What is mathematically undefined is null here; scikit-learn warns and says 0, or raises.
"""

import json
import pathlib

import numpy as np
import sklearn
from scipy.ndimage import maximum_filter, minimum_filter
from sklearn import metrics

THRESHOLD = 0.5
rng = np.random.default_rng(2026)


def best_f1(labels, scores, with_inverse):
    """The highest F1 of all ways to cut the scores in two, by trying each."""
    cuts = np.concatenate([[np.inf, -np.inf], np.unique(scores)])
    predictions = [scores > cut for cut in cuts]
    if with_inverse:
        predictions += [~p for p in predictions]
    return max(metrics.f1_score(labels, p, zero_division=0) for p in predictions)


def sensitivity_at(labels, scores, rate):
    fpr, tpr, _ = metrics.roc_curve(labels, scores, drop_intermediate=False)
    return tpr[fpr <= rate].max()


def case(name, scores, labels):
    scores, labels = np.asarray(scores, np.float32), np.asarray(labels, int)
    prediction = (scores > THRESHOLD).astype(int)
    tn, fp, fn, tp = (int(c) for c in metrics.confusion_matrix(labels, prediction, labels=[0, 1]).ravel())
    tampered, both, predicted = tp + fn > 0, 0 < labels.sum() < len(labels), tp + fp > 0

    def where(condition, value):
        return float(value()) if condition else None

    return {
        "name": name,
        "scores": [float(s) for s in scores],
        "labels": [int(label) for label in labels],
        "counts": {"tp": tp, "fp": fp, "fn": fn, "tn": tn},
        "precision": where(predicted, lambda: metrics.precision_score(labels, prediction)),
        "recall": where(tampered, lambda: metrics.recall_score(labels, prediction)),
        "f1": where(tampered, lambda: metrics.f1_score(labels, prediction)),
        "iou": where(tampered, lambda: metrics.jaccard_score(labels, prediction)),
        "mcc": where(both and 0 < prediction.sum() < len(labels), lambda: metrics.matthews_corrcoef(labels, prediction)),
        "specificity": where(fp + tn > 0, lambda: metrics.recall_score(labels, prediction, pos_label=0)),
        "accuracy": where(True, lambda: metrics.accuracy_score(labels, prediction)),
        "balancedAccuracy": where(both, lambda: metrics.balanced_accuracy_score(labels, prediction)),
        "auc": where(both, lambda: metrics.roc_auc_score(labels, scores)),
        "averagePrecision": where(tampered, lambda: metrics.average_precision_score(labels, scores)),
        "bestF1": where(tampered, lambda: best_f1(labels, scores, False)),
        "bestF1WithInverse": where(tampered, lambda: best_f1(labels, scores, True)),
        "sensitivityAt10": where(both, lambda: sensitivity_at(labels, scores, 0.1)),
    }


def band(name, mask, erode, dilate):
    scored = minimum_filter(mask, erode) | ~maximum_filter(mask, dilate)
    return {
        "name": name,
        "height": mask.shape[0],
        "width": mask.shape[1],
        "erodeSize": erode,
        "dilateSize": dilate,
        "mask": "".join("01"[int(v)] for v in mask.ravel()),
        "valid": "".join("01"[int(v)] for v in scored.ravel()),
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
    case("authentic, some flagged", rng.random(20), np.zeros(20)),
    case("authentic, nothing flagged", rng.random(20) / 2, np.zeros(20)),
    case("wholly tampered, some found", rng.random(20), np.ones(20)),
    case("wholly tampered, all found", 0.6 + rng.random(20) / 4, np.ones(20)),
    case("tampered, nothing found", rng.random(20) / 2, labels(20, 0.4)),
    case("everything flagged", np.ones(20), labels(20, 0.4)),
    case("a constant at the threshold", np.full(20, 0.5), labels(20, 0.4)),
    case("one tampered pixel", [0.7], [1]),
    case("one authentic pixel", [0.7], [0]),
]

blobs = np.zeros((24, 31), bool)
blobs[5:19, 8:20] = True
blobs[0:6, 24:31] = True
blobs[21, 3] = True
bands = [
    band("three regions, one at a corner, one a pixel", blobs, 5, 3),
    band("wider than the image", blobs[:8, :9], 15, 11),
    band("random", rng.random((12, 17)) < 0.9, 3, 5),
    band("nothing tampered", np.zeros((4, 5), bool), 15, 11),
]

path = pathlib.Path(__file__).parents[2] / "packages/metrics/src/fixtures/scikit-learn.json"
fixture = {"scikitLearn": sklearn.__version__, "threshold": THRESHOLD, "cases": cases, "bands": bands}
path.write_text(json.dumps(fixture) + "\n")
print(path, path.stat().st_size, "bytes")
