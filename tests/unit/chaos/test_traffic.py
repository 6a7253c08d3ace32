"""The chaos test's traffic: what it promises is in it."""

import random
from collections import Counter

from tests.chaos.reference import Entry, reference_of
from tests.chaos.rules import Rule
from tests.chaos.traffic import PARTITIONS, traffic

RULE = Rule(10, 8, 700, 60)


def test_the_same_seed_gives_the_same_records():
    """A seed that failed can be run again."""
    first, again, other = (list(traffic(seed, RULE, 2_000)) for seed in (1, 1, 2))

    assert first == again
    assert first != other


def test_partitions_have_very_different_shares():
    """One is empty, one nearly so."""
    counts = Counter(record.partition for record in traffic(5, RULE, 20_000))

    assert len(counts) == PARTITIONS - 1
    assert min(counts.values()) < 30
    assert max(counts.values()) > 3 * sorted(counts.values())[1]


def test_it_holds_what_it_was_asked_for():
    """That many lines, in records of one or several; some records give none."""
    records = list(traffic(5, RULE, 20_000))
    log = {0: [Entry(n, each.key, each.value) for n, each in enumerate(records)]}
    reference = reference_of("logs", log, RULE)

    assert 20_000 <= reference.lines < 20_005
    assert sum(each.lines > 1 for each in records) > 100
    assert len(reference.undecodable) == sum(each.lines == 0 for each in records) > 20


def test_rules_differ_with_the_seed():
    """Sizes, hops, gaps and graces."""
    rules = {Rule.drawn(random.Random(seed)) for seed in range(10)}

    assert len(rules) > 5
    assert all(rule.hop <= rule.size for rule in rules)
