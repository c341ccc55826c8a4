"""Writes packages/evaluate/src/protocols/fixtures/protocols.json: what the originals' arithmetic says of shared maps.

Each function below is the arithmetic of one evaluation, as its published code does it, written anew with NumPy, SciPy,
scikit-learn, Pillow and OpenCV (Debian: python3-sklearn python3-pil python3-opencv). Values that the original leaves out
(nanmean) are left out here; where it would stop with an error or answer NaN for one image, that image is left out too.

python3 tools/golden/protocols.py
"""

import json
import pathlib
import warnings

import cv2
import numpy as np
from PIL import Image
from scipy.ndimage import maximum_filter, minimum_filter
from sklearn import metrics

warnings.filterwarnings("ignore")
rng = np.random.default_rng(2027)
SMALL = 16  # stands for the 256 of those that resize


# --- shared images: float maps, masks as 8-bit grey levels, labels, one score each ---------------------------------


def ellipse(h, w, cy, cx, ry, rx):
    y, x = np.mgrid[:h, :w]
    return ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 <= 1


def image(name, levels, probabilities):
    return {
        "name": name,
        "label": int(levels.max() > 127),
        "levels": levels.astype(np.uint8),
        "map": np.clip(np.round(probabilities, 3), 0, 1).astype(np.float32),
        "score": float(np.float32(np.round(rng.random(), 3))),
    }


def noisy(truth, strength, h, w):
    return 0.5 + strength * (truth - 0.5) + 0.35 * rng.standard_normal((h, w))


def make_images():
    h, w = 27, 34
    large, corner = ellipse(h, w, 13, 17, 12, 14), ellipse(h, w, 0, 0, 20, 22)
    speck, nothing, everything = ellipse(h, w, 8, 9, 3, 3), np.zeros((h, w), bool), np.ones((h, w), bool)
    soft = cv2.GaussianBlur(large.astype(np.float32) * 255, (5, 5), 0)
    dim = np.where(corner, 180, 20)
    return [
        image("found", large * 255, noisy(large, 0.7, h, w)),
        image("found inverted", corner * 255, noisy(~corner, 0.6, h, w)),
        image("with levels between black and white", soft, noisy(large, 0.5, h, w)),
        image("with levels 20 and 180", dim, noisy(corner, 0.4, h, w)),
        image("too small for the band, something marked", speck * 255, noisy(speck, 0.6, h, w)),
        image("too small for the band, nothing marked", speck * 255, 0.4 * rng.random((h, w))),
        image("nothing marked", large * 255, 0.49 * rng.random((h, w))),
        image("wholly tampered, all found", everything * 255, 0.6 + 0.3 * rng.random((h, w))),
        image("authentic, something marked", nothing * 255, noisy(nothing, 0.6, h, w)),
        image("authentic, nothing marked", nothing * 255, 0.4 * rng.random((h, w))),
        image("at the threshold", ellipse(12, 40, 5, 20, 5, 14) * 255, rng.choice([0.498, 0.499, 0.5, 0.501], (12, 40))),
    ]


# --- the originals -------------------------------------------------------------------------------------------------


def resized(levels, size):
    return levels if size is None else np.array(Image.fromarray(levels).resize((size, size), Image.BILINEAR))


def resized_map(probabilities, size):
    return probabilities if size is None else cv2.resize(probabilities, (size, size), interpolation=cv2.INTER_LINEAR)


def cdfl_sdpal(images, size):
    tp = fp = fn = union = 0
    all_true, all_scores = [], []
    for item in images:
        mask = (resized(item["levels"], size) > 128).astype(np.uint8)
        scores = resized_map(item["map"], size)
        prediction = (scores > 0.5).astype(np.uint8)
        tp += int((prediction & mask).sum())
        fp += int((prediction & (1 - mask)).sum())
        fn += int(((1 - prediction) & mask).sum())
        union += int((prediction | mask).sum())
        all_true.append(mask.ravel())
        all_scores.append(scores.ravel())
    truth, scores = np.concatenate(all_true), np.concatenate(all_scores)
    precision = tp / (tp + fp) if tp + fp else 1.0
    recall = tp / (tp + fn) if tp + fn else 1.0
    return {
        "F1": 2 * precision * recall / (precision + recall) if precision + recall else 0.0,
        "IoU": tp / union if union else 0.0,
        "precision": precision,
        "recall": recall,
        "AUC": metrics.roc_auc_score(truth, scores) if len(np.unique(truth)) > 1 else 0.5,
    }


def m2sformer(images, size):
    smooth = 1e-5
    rows = {name: [] for name in ("DSC", "IoU", "Precision", "Recall", "Accuracy", "AUC")}
    for item in images:
        y_pred = (resized_map(item["map"], size) >= 0.5).astype(int)
        y_true = resized(item["levels"], size).astype(np.float32) / 255
        y_true = y_true / (y_true.max() + smooth)
        y_true = (y_true > 0.5).astype(int)
        t, p = y_true.ravel(), y_pred.ravel()
        rows["DSC"].append((2 * (t * p).sum() + smooth) / (t.sum() + p.sum() + smooth))
        rows["IoU"].append(((t & p).sum() + smooth) / ((t | p).sum() + smooth))
        rows["Precision"].append(metrics.precision_score(t, p))
        rows["Recall"].append(metrics.recall_score(t, p))
        rows["Accuracy"].append(metrics.accuracy_score(t, p))
        if len(np.unique(t)) > 1:
            rows["AUC"].append(metrics.roc_auc_score(t, p))
    return {name: float(np.mean(values)) for name, values in rows.items()}


def mpc(images):
    f1, iou = [], []
    for item in images:
        truth = (item["levels"] > int(0.5 * 255)).ravel()
        prediction = (item["map"] * np.float32(255) > int(0.5 * 255)).ravel()
        f1.append(metrics.f1_score(truth, prediction))
        intersection, union = (truth & prediction).sum(), (truth | prediction).sum()
        iou.append(1.0 if intersection + union == 0 else intersection / (union + 1e-6))
    return {"F1": float(np.mean(f1)), "IoU": float(np.mean(iou))}


def imdlbenco(images):
    def f1_of(tp, fp, fn):
        precision, recall = tp / (tp + fp + 1e-8), tp / (tp + fn + 1e-8)
        return 2 * precision * recall / (precision + recall + 1e-8)

    def iou_of(p, t):
        intersection = (p * t).sum()
        return intersection / (p.sum() + t.sum() - intersection + 1e-8)

    rows = {name: [] for name in ("F1", "IoU", "AUC", "F1 (double)", "IoU (double)")}
    for item in images:
        t, p = (item["levels"] > 127.5).astype(float), (item["map"] > 0.5).astype(float)
        tp, fp, fn, tn = (p * t).sum(), (p * (1 - t)).sum(), ((1 - p) * t).sum(), ((1 - p) * (1 - t)).sum()
        rows["F1"].append(f1_of(tp, fp, fn))
        rows["F1 (double)"].append(max(f1_of(tp, fp, fn), f1_of(fn, tn, tp)))
        rows["IoU"].append(iou_of(p, t))
        rows["IoU (double)"].append(max(iou_of(p, t), iou_of(1 - p, t)))
        if t.sum() == 0:
            rows["AUC"].append(0.0)
        elif t.sum() < t.size:
            rows["AUC"].append(metrics.roc_auc_score(t.ravel(), item["map"].ravel()))
    labels, scores = np.array([i["label"] for i in images]), np.array([i["score"] for i in images], np.float32)
    marked = scores > 0.5
    tp, fp, fn = (marked & (labels == 1)).sum(), (marked & (labels == 0)).sum(), (~marked & (labels == 1)).sum()
    result = {name: float(np.mean(values)) for name, values in rows.items()}
    if 0 < labels.sum() < len(labels):
        precision, recall = tp / (tp + fp + 1e-9), tp / (tp + fn + 1e-9)
        result["image-level F1"] = 2 * precision * recall / (precision + recall + 1e-9)
        result["image-level AUC"] = metrics.roc_auc_score(labels, scores)
    return result


def without_band(truth):
    return ~maximum_filter(truth, 11), minimum_filter(truth, 15)  # gt0, gt1


def f1_of(fp, tp, fn, tn):
    return 2 * tp / np.maximum(2 * tp + fn + fp, 1e-32)


def best_f1(scores, gt0, gt1):
    order = np.argsort(scores.ravel())
    order = order[(gt0 | gt1).ravel()[order]]
    sorted_scores = scores.ravel()[order]
    tn, fn = np.cumsum(gt0.ravel()[order]), np.cumsum(gt1.ravel()[order])
    fp, tp = gt0.sum() - tn, gt1.sum() - fn
    last = np.append(sorted_scores[1:] > sorted_scores[:-1], True)
    fp, tp, fn, tn = fp[last], tp[last], fn[last], tn[last]
    if len(fp) == 0:
        return np.nan
    return max(f1_of(fp, tp, fn, tn).max(), f1_of(tn, fn, tp, fp).max())


def fixed_counts(scores, truth, gt0, gt1, threshold=0.5):
    """None where scikit-learn's matrix has one row: the original's indexing fails there and the image is skipped."""
    scored = (gt0 | gt1).ravel()
    if not scored.any():
        return None
    cm = metrics.confusion_matrix(truth.ravel()[scored], (scores > threshold).ravel()[scored])
    return None if cm.shape == (1, 1) else (cm[0, 1], cm[1, 1], cm[1, 0], cm[0, 0])  # fp, tp, fn, tn


def trufor_and_safire(images):
    best, fixed, mcc, auc, ap, st_f1, st_acc = ([] for _ in range(7))
    for item in images:
        if item["label"] == 0:
            continue
        truth, scores = item["levels"] > 0.1, item["map"]
        gt0, gt1 = without_band(truth)
        best.append(best_f1(scores, gt0, gt1))
        counts = fixed_counts(scores, truth, gt0, gt1)
        if counts is None:
            fixed.append(np.nan)
            mcc.append(np.nan)
        else:
            fp, tp, fn, tn = (np.float64(c) for c in counts)
            fixed.append(max(f1_of(fp, tp, fn, tn), f1_of(tn, fn, tp, fp)))
            scale = np.sqrt(tp + fp) * np.sqrt(tp + fn) * np.sqrt(tn + fp) * np.sqrt(tn + fn)
            mcc.append(np.abs(tp * tn - fp * fn) / np.maximum(scale, 1e-32))
        if 0 < truth.sum() < truth.size:
            auc.append(metrics.roc_auc_score(truth.ravel(), scores.ravel()))
            ap.append(metrics.average_precision_score(truth.ravel(), scores.ravel()))
        else:
            ap.append(metrics.average_precision_score(truth.ravel(), scores.ravel()))
        marked = scores >= 0.5
        tp, tn = (marked & truth).sum(), (~marked & ~truth).sum()
        fp, fn = (marked & ~truth).sum(), (~marked & truth).sum()
        st_f1.append(max(2 * tp / max(1.0, 2 * tp + fn + fp), 2 * fn / max(1.0, 2 * fn + tp + tn)))
        st_acc.append(max(tp + tn, fp + fn) / truth.size)
    labels, image_scores = [i["label"] for i in images], np.array([i["score"] for i in images], np.float32)
    trufor = {"F1_best": np.nanmean(best), "F1_th": np.nanmean(fixed)}
    if 0 < sum(labels) < len(labels):
        trufor["AUC (detection)"] = metrics.roc_auc_score(labels, image_scores)
        trufor["bACC (detection)"] = metrics.balanced_accuracy_score(labels, image_scores > 0.5)
    safire = {
        "F1_best": np.nanmean(best),
        "F1_fixed": np.nanmean(fixed),
        "AUC": np.mean(auc),
        "AP": np.mean(ap),
        "mcc": np.nanmean(mcc),
        "st_F1_fixed": np.mean(st_f1),
        "st_Acc": np.mean(st_acc),
    }
    return trufor, safire


def photoholmes(images):
    truths = [(i["levels"] > 0).ravel() for i in images]
    maps = [i["map"].astype(np.float64).ravel() for i in images]
    t, scores = np.concatenate(truths), np.concatenate(maps)
    p = scores > 0.5

    def soft(score, truth):
        return (score * truth).sum(), ((1 - score) * truth).sum(), (score * (1 - truth)).sum()  # TPw, FPw, FNw: theirs

    def weighted_f1(tp, fp, fn):
        return 2 * tp / (2 * tp + fn + fp) if 2 * tp + fn + fp else 0.0

    def weighted_iou(tp, fp, fn):
        return tp / (tp + fn + fp) if tp + fn + fp else 0.0

    def weighted_mcc(tp, fp, fn, tn):
        scale = np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
        return (tp * tn - fp * fn) / scale if scale else 0.0

    def with_tn(score, truth):
        return *soft(score, truth), ((1 - score) * (1 - truth)).sum()

    each = [soft(score, truth.astype(float)) for score, truth in zip(maps, truths)]
    total = soft(scores, t.astype(float))
    return {
        "F1": metrics.f1_score(t, p, zero_division=0),
        "IoU": metrics.jaccard_score(t, p, zero_division=0),
        "MCC": metrics.matthews_corrcoef(t, p),
        "Precision": metrics.precision_score(t, p, zero_division=0),
        "TPR": metrics.recall_score(t, p, zero_division=0),
        "FPR": (p & ~t).sum() / max((~t).sum(), 1),
        "AUROC": metrics.roc_auc_score(t, scores) if 0 < t.sum() < t.size else 0.0,
        "mAUROC": np.mean([
            metrics.roc_auc_score(a, b) if 0 < a.sum() < a.size else 0.0 for a, b in zip(truths, maps)
        ]),
        "F1_weighted_v1": np.mean([weighted_f1(*e) for e in each]),
        "F1_weighted_v2": weighted_f1(*total),
        "IoU_weighted_v1": np.mean([weighted_iou(*e) for e in each]),
        "IoU_weighted_v2": weighted_iou(*total),
        "MCC_weighted_v1": np.mean([weighted_mcc(*with_tn(b, a.astype(float))) for a, b in zip(truths, maps)]),
        "MCC_weighted_v2": weighted_mcc(*with_tn(scores, t.astype(float))),
    }


def forgelens(images):
    """Ours, by scikit-learn."""
    tampered, authentic = ([i for i in images if i["label"] == label] for label in (1, 0))
    rows, truths, scores = [], [], []
    for item in tampered:
        t, s = (item["levels"] > 127.5).ravel(), item["map"].ravel()
        p = s > 0.5
        cuts = np.concatenate([[-1], np.unique(s)])
        both = 0 < t.sum() < t.size
        rows.append({
            "F1": metrics.f1_score(t, p),
            "IoU": metrics.jaccard_score(t, p),
            "precision": metrics.precision_score(t, p) if p.any() else np.nan,
            "recall": metrics.recall_score(t, p),
            "MCC": metrics.matthews_corrcoef(t, p) if both and 0 < p.sum() < p.size else np.nan,
            "AUC": metrics.roc_auc_score(t, s) if both else np.nan,
            "AP": metrics.average_precision_score(t, s),
            "F1, best threshold of each image (oracle)": max(metrics.f1_score(t, s > cut) for cut in cuts),
            "F1, better of prediction and inverse (oracle)": max(metrics.f1_score(t, p), metrics.f1_score(t, ~p)),
        })
        truths.append(t)
        scores.append(s)
    result = {name: np.nanmean([row[name] for row in rows]) for name in rows[0]}
    t, s = np.concatenate(truths), np.concatenate(scores)
    result |= {
        "pooled F1": metrics.f1_score(t, s > 0.5),
        "pooled IoU": metrics.jaccard_score(t, s > 0.5),
        "pooled AUC": metrics.roc_auc_score(t, s),
        "pooled AP": metrics.average_precision_score(t, s),
        "F1, best threshold of the set (tuned)": max(
            np.mean([metrics.f1_score(a, b.astype(np.float64) > cut / 100) for a, b in zip(truths, scores)])
            for cut in range(100)
        ),
    }
    if authentic:
        marked = [(i["map"] > 0.5).mean() for i in authentic]
        labels, image_scores = [i["label"] for i in images], np.array([i["score"] for i in images], np.float32)
        fpr, tpr, _ = metrics.roc_curve(labels, image_scores, drop_intermediate=False)
        result |= {
            "false-alarm area": np.mean(marked),
            "specificity": 1 - np.concatenate([(i["map"] > 0.5).ravel() for i in authentic]).mean(),
            "image AUC": metrics.roc_auc_score(labels, image_scores),
            "image AP": metrics.average_precision_score(labels, image_scores),
            "image sensitivity at 5 % false alarms": tpr[fpr <= 0.05].max(),
        }
    return result


def all_protocols(images, size):
    trufor, safire = trufor_and_safire(images)
    pooled = cdfl_sdpal(images, size)
    results = {
        "forgelens": forgelens(images),
        "cdfl": pooled,
        "sdpal": pooled,
        "m2sformer": m2sformer(images, size),
        "mpc": mpc(images),
        "imdlbenco": imdlbenco(images),
        "trufor": trufor,
        "safire": safire,
        "photoholmes": photoholmes(images),
    }
    return {name: {key: float(value) for key, value in values.items()} for name, values in results.items()}


def main():
    images = make_images()
    tampered = [i for i in images if i["label"] == 1]
    fixture = {
        "small": SMALL,
        "images": [
            {
                "name": i["name"],
                "label": i["label"],
                "score": i["score"],
                "height": i["map"].shape[0],
                "width": i["map"].shape[1],
                "levels": [int(v) for v in i["levels"].ravel()],
                "map": [round(float(v), 3) for v in i["map"].ravel()],
            }
            for i in images
        ],
        "lists": [
            {"name": "all images, resized", "tamperedOnly": False, "resized": True, "values": all_protocols(images, SMALL)},
            {"name": "all images at their own size", "tamperedOnly": False, "resized": False, "values": all_protocols(images, None)},
            {"name": "the tampered images, resized", "tamperedOnly": True, "resized": True, "values": all_protocols(tampered, SMALL)},
        ],
    }
    path = pathlib.Path(__file__).parents[2] / "packages/evaluate/src/protocols/fixtures/protocols.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(fixture, separators=(",", ":")) + "\n")
    print(path, path.stat().st_size, "bytes")


main()
