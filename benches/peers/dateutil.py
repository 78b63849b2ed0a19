"""python-dateutil, as a program that knows it would use it: naive times, `between`, and the zone put on last.

dateutil.py recurrence CASES        "id count ns hash" for each case, one JSON object a line
dateutil.py merge CASES BUDGET_MS   "merge done count ns hash" for all of them, or as many as fit the budget
"""

import json
import sys

# This file has the name of the package: do not look for it here.
sys.path.pop(0)

from datetime import datetime, timedelta  # noqa: E402
from time import perf_counter_ns  # noqa: E402
from zoneinfo import ZoneInfo  # noqa: E402

import dateutil  # noqa: E402
from dateutil.rrule import rrulestr  # noqa: E402


def civil(text):
    return datetime.strptime(text, "%Y%m%dT%H%M%S")


class Series:
    def __init__(self, line):
        case = json.loads(line)
        self.id = case["id"]
        self.zone = ZoneInfo(case["zone"])
        self.rule = rrulestr(case["rule"], dtstart=civil(case["start"]))
        self.start = civil(case["from"])
        # `between` with inc=True has both ends in it.
        self.end = civil(case["to"]) - timedelta(seconds=1)

    def expand(self):
        zone = self.zone
        found = self.rule.between(self.start, self.end, inc=True)
        return [int(at.replace(tzinfo=zone).timestamp()) for at in found]


def hash_of(starts):
    total = 0
    for start in starts:
        total = (total * 31 + start) & 0xFFFFFFFF
    return total


def recurrence(series):
    began = perf_counter_ns()
    found = series.expand()
    best = perf_counter_ns() - began
    spent, runs = 0, 0
    while best < 1_000_000_000 and (runs < 3 or spent < 100_000_000) and runs < 1000:
        began = perf_counter_ns()
        series.expand()
        took = perf_counter_ns() - began
        best, spent, runs = min(best, took), spent + took, runs + 1
    print(series.id, len(found), best, hash_of(found), flush=True)


def merge(every, budget):
    for series in every[:25]:
        series.expand()
    found, done, began = [], 0, perf_counter_ns()
    for number, series in enumerate(every):
        if perf_counter_ns() - began >= budget:
            break
        found.extend((at, number) for at in series.expand())
        done += 1
    found.sort()
    took = perf_counter_ns() - began
    print("merge", done, len(found), took, hash_of(at for at, _ in found))


def main():
    if sys.argv[1] == "version":
        print(dateutil.__version__)
        return
    with open(sys.argv[2], encoding="utf-8") as file:
        every = [Series(line) for line in file]
    if sys.argv[1] == "merge":
        merge(every, int(sys.argv[3]) * 1_000_000)
    else:
        for series in every:
            recurrence(series)


main()
