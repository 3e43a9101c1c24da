"""Whether edges of a depth map are where they are in the truth."""

import numpy as np

#: Ratios of neighbouring depths from which on there is an edge between them: Depth Pro's, and their weights.
RATIOS = np.linspace(1.05, 1.25, 10)


def boundary_f1(pred, truth, mask) -> float:
    """Depth Pro's scale-invariant boundary F1 (Bochkovskii et al., arXiv 2410.02073, section 3.3).

    Between a pixel i and one of its four neighbours j there is an edge if d_j / d_i exceeds a ratio. Precision and recall are
    shares of such pairs; F1 is a mean over ten ratios from 1.05 to 1.25, larger ones weighing more. A scale changes nothing.

    Args:
        pred, truth: (H, W) metres, > 0 where ``mask``.
        mask: (H, W) bool: pixels that count; an edge lies between two of them.

    Returns:
        F1 in [0, 1]; NaN where the truth has no edge at some of the ratios.
    """
    steps = [[], []]
    for here, there in ((np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:])):
        both = mask[here] & mask[there]
        for found, depth in zip(steps, (pred, truth)):
            ratio = depth[there][both] / depth[here][both]
            found += [ratio, 1 / ratio]
    pred, truth = map(np.concatenate, steps)
    scores = []
    for ratio in RATIOS:
        p, t = pred > ratio, truth > ratio
        if not t.any():
            return float('nan')
        # 2 P R / (P + R) of P = both / p and R = both / t.
        scores.append(2 * (p & t).sum() / (p.sum() + t.sum()))
    return float(np.average(scores, weights=RATIOS))
