"""Sums over the partners of an end and their way back to the pairs, for all members at once."""

from typing import no_type_check

from fem_reference.jit import entry


@entry
@no_type_check
def pool(messages, share, weight, ends, total):
    """Add the messages of every directed pair (a, b) to its end a.

    Args:
        messages: Values, then scores (members, directed, 2 x width).
        share: Exponentials of the scores (members, directed, width).
        weight: Influence of b on a (directed).
        ends: a of every directed pair.
        total: Sums of w v, w s v and w s (ends, members, 3 x width), with w the weight, s the
            share and v the value.
    """
    width = share.shape[2]
    for m in range(share.shape[0]):
        for row in range(share.shape[1]):
            a, w = ends[row], weight[row]
            for c in range(width):
                value, s = messages[m, row, c], w * share[m, row, c]
                total[a, m, c] += w * value
                total[a, m, width + c] += s * value
                total[a, m, 2 * width + c] += s


@entry
@no_type_check
def differentiate_pool(given, ends, by_total, by_messages, by_share, by_weight):
    """Write the derivatives of the result, of which ``by_total`` are those by the sums.

    ``given`` are (messages, share, weight); the scores have no derivative but through ``share``.
    """
    messages, share, weight = given
    width = share.shape[2]
    for m in range(share.shape[0]):
        for row in range(share.shape[1]):
            a, w = ends[row], weight[row]
            total = by_weight[row]
            for c in range(width):
                value, s = messages[m, row, c], share[m, row, c]
                one, two = by_total[a, m, c], by_total[a, m, width + c]
                inner = value * two + by_total[a, m, 2 * width + c]
                by_messages[m, row, c] = w * (one + s * two)
                by_messages[m, row, width + c] = 0
                by_share[m, row, c] = w * inner
                total += value * one + s * inner
            by_weight[row] = total


@entry
@no_type_check
def add_ends(values, own, others, ends, pairs):
    """Add to the row of every directed pair (a, b) the own part of a and the other part of b."""
    for row in range(len(values)):
        k, pair = (0, row) if row < pairs else (1, row - pairs)
        a, b = ends[k, pair], ends[1 - k, pair]
        for c in range(values.shape[1]):
            values[row, c] += own[a, c] + others[b, c]


@entry
@no_type_check
def differentiate_ends(by_values, ends, pairs, by_own, by_others):
    """Add derivatives by the rows to those by the parts."""
    for row in range(len(by_values)):
        k, pair = (0, row) if row < pairs else (1, row - pairs)
        a, b = ends[k, pair], ends[1 - k, pair]
        for c in range(by_values.shape[1]):
            by_own[a, c] += by_values[row, c]
            by_others[b, c] += by_values[row, c]
