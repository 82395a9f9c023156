"""Splink on the items of a world: JSON on stdin, pairs of profiles with a probability on stdout.

Run by the interpreter of an environment that has Splink, see `splink_peer`; it imports nothing
else. In: {"profiles": P, "types": [...], "shows": [[profile, item], ...]}. Out: [[left, right,
probability], ...].

Splink has no term frequencies for lists, so that items go into columns by how many profiles show
them; each column learns its own weights, which comes to the same. Parameters are learnt as its
tutorial does: u from random pairs, m by expectation maximisation, a column at a time.
"""

import json
import logging
import sys
from collections import Counter, defaultdict
from contextlib import suppress
from typing import Any

import duckdb
import splink.comparison_library as comparisons
from splink import DuckDBAPI, Linker, SettingsCreator

#: Profiles that show an item, at most, in each column; the rest are too common to say anything.
_BANDS = (3, 8, 20)
#: Pairs that are sampled for u, more than there are in a world.
_SAMPLED = 1_000_000
#: Share of the true pairs that share two rare items, a guess; Splink's tutorial guesses it, too.
_RECALL = 0.6


def columns(asked: Any) -> dict[str, dict[int, list[int]]]:
    """Items by profile, for each column "TYPE_BAND" that has any."""
    shown = Counter(item for _, item in asked["shows"])
    found: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for profile, item in asked["shows"]:
        kind = asked["types"][item]
        bands = _BANDS if kind == "photo" else _BANDS[-1:]
        band = next((number for number, most in enumerate(bands) if shown[item] <= most), None)
        if band is not None:
            found[f"{kind}_{band}"][profile].append(item)
    return dict(sorted(found.items()))


def pairs(asked: Any) -> list[tuple[int, int, float]]:
    """What Splink makes of the items."""
    found = columns(asked)
    if not found:
        return []
    connection = duckdb.connect()
    fields = ", ".join(f"{name} BIGINT[]" for name in found)
    connection.execute(f"CREATE TABLE profiles (unique_id BIGINT, {fields})")
    marks = ", ".join("?" for _ in range(len(found) + 1))
    # An empty list, not null: that a profile shows nothing of a kind is seen, not unknown.
    rows = [[p, *(found[name].get(p, []) for name in found)] for p in range(asked["profiles"])]
    connection.executemany(f"INSERT INTO profiles VALUES ({marks})", rows)
    api = DuckDBAPI(connection)
    overlap = [f"list_has_any(l.{name}, r.{name})" for name in found]
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[
            comparisons.ArrayIntersectAtSizes(name, [2, 1] if name.startswith("photo") else [1])
            for name in found
        ],
        blocking_rules_to_generate_predictions=[" OR ".join(overlap)],
    )
    linker = Linker(api.register("profiles"), settings)
    rare = [name for name in found if name.endswith("_0")] or list(found)
    strict = [f"len(list_intersect(l.{name}, r.{name})) >= 2" for name in rare]
    training = linker.training
    training.estimate_probability_two_random_records_match(strict, recall=_RECALL)
    training.estimate_u_using_random_sampling(max_pairs=_SAMPLED)
    for rule in overlap:
        # Where too few pairs share such an item, Splink has nothing to learn of, and says so.
        with suppress(Exception):
            training.estimate_parameters_using_expectation_maximisation(rule)
    told = linker.inference.predict().as_record_list()
    return [
        (int(one["unique_id_l"]), int(one["unique_id_r"]), float(one["match_probability"]))
        for one in told
    ]


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    json.dump(pairs(json.load(sys.stdin)), sys.stdout)
