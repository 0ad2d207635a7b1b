# SPDX-License-Identifier: BSD-3-Clause
"""Did as many clients go to the new pool as the stage says?"""

import math

CONFIDENCE = 0.999


def interval(n, p):
    """The fewest and the most of n that a fair draw of probability p gives, but for one time in a
    thousand: the exact binomial distribution, half of that at each end."""
    if p in (0, 1):
        return round(n * p), round(n * p)
    tail = (1 - CONFIDENCE) / 2
    chances = [math.comb(n, k) * p ** k * (1 - p) ** (n - k) for k in range(n + 1)]
    low = high = below = 0
    for k, chance in enumerate(chances):
        if below <= tail:
            low = k
        below += chance
        if below >= 1 - tail:
            high = k
            break
    return low, high
