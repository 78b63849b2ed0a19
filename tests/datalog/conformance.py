#!/usr/bin/env python3
"""The core cases of the package `datalog-conformance`, through the command line.

    python3 tests/datalog/conformance.py --boxoffice target/release/boxoffice

Facts and rules are written as one text, first without declarations, then with each relation declared with the types
that its facts, the expected rows and the rules show. Cases of defeasible logic are left out. Exit code: 0 when all
passed but the known contradictions, else 1.
"""

import argparse
import collections
import functools
import json
import pathlib
import re
import subprocess
import sys
import tempfile

# Cases that cannot pass beside the others, and why. One that passes all the same is reported: it must leave the table.
CONTRADICTIONS = {}
# Further ones, when every relation is declared.
DECLARED = {
    name: "compares a column of numbers with a text; its relations have no single type"
    for name in ("souffle_minmax_minimum", "souffle_minmax_maximum", "souffle_equal_isEqual")
}
DECLARED["unsafe_negation_variable_only_in_negative_literal"] = (
    "wants a variable that only stands in a negated atom refused; the cases nemo_negation_projected* of the same suite "
    "want it to mean any value. Without declarations it is refused, for there is no such relation"
)


def quoted(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t") + '"'


def text(case, declare):
    lines = declarations(case) if declare else []
    for name, rows in case.program.facts.items():
        lines += [f"{name}({', '.join(map(quoted, row))})." for row in rows]
    for rule in case.program.rules:
        rule = rule.strip()
        lines.append(rule if rule.endswith(".") else rule + ".")
    heads = [ATOM.match(rule.strip()) for rule in case.program.rules]
    shown = [*case.program.facts, *(head.group(1) for head in heads if head)]
    lines += [f".output {name}" for name in dict.fromkeys(shown)]
    return "\n".join(lines) + "\n"


# ---- types, where they are to be declared ----


ATOM = re.compile(r"([A-Za-z_]\w*)\s*\(([^()]*)\)")


def declarations(case):
    """Columns that share a variable have one type; one that shows none is of texts."""
    parent, known, arity = {}, collections.defaultdict(set), {}

    def root(node):
        while parent.setdefault(node, node) != node:
            node = parent[node]
        return node

    for relations in (case.program.facts, case.expect or {}):
        for name, rows in relations.items():
            for row in rows:
                arity[name] = len(row)
                for place, value in enumerate(row):
                    known[(name, place)].add("symbol" if isinstance(value, str) else "number")
    for number, rule in enumerate(case.program.rules):
        for name, inside in ATOM.findall(rule):
            args = [arg.strip() for arg in inside.split(",")] if inside.strip() else []
            arity[name] = len(args)
            for place, arg in enumerate(args):
                if re.fullmatch(r"[A-Za-z]\w*", arg):
                    parent[root((name, place))] = root((number, arg))
                elif arg.startswith('"'):
                    known[(name, place)].add("symbol")
                elif re.fullmatch(r"-?\d+", arg) or re.search(r"[-+*]", arg):
                    known[(name, place)].add("number")
    types = collections.defaultdict(set)
    for node, found in known.items():
        types[root(node)] |= found
    lines = []
    for name, columns in arity.items():
        each = [min(types[root((name, place))], default="symbol") for place in range(columns)]
        lines.append(f".decl {name}({', '.join(f'c{place}: {one}' for place, one in enumerate(each))})")
    return lines


# ---- running ----


@functools.lru_cache(maxsize=2)
def evaluated(program, boxoffice, folder):
    """What the binary says of a program; none in time. Many cases look at another relation of one program."""
    path = folder / "program.dl"
    path.write_text(program)
    try:
        return subprocess.run([boxoffice, "datalog", str(path), "--json"], capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        return None


def run(case, boxoffice, declare, folder):
    """None, or what is wrong."""
    done = evaluated(text(case, declare), boxoffice, folder)
    if done is None:
        return "no answer in time"
    if case.expect_error is not None:
        return None if done.returncode == 2 and done.stderr.strip() else f"exit code {done.returncode}, expected 2"
    if done.returncode:
        return f"exit code {done.returncode}: {done.stderr.strip()}"
    found = collections.defaultdict(set)
    for line in done.stdout.splitlines():
        row = json.loads(line)
        found[row["relation"]].add(marked(row["row"]))
    for name, rows in case.expect.items():
        expected = set(map(marked, rows))
        if expected != found[name]:
            missing, more = sorted(expected - found[name])[:5], sorted(found[name] - expected)[:5]
            return f"{name}: missing {missing}, too many {more}"
    return None


def marked(row):
    """In Python 1 and True are the same; here they are not."""
    return tuple((type(value).__name__, value) for value in row)


def main():
    import yaml
    from datalog_conformance.plugin import discover_yaml_tests, get_tests_dir

    # The suite reads its cases with the slow reader of YAML; the one in C gives the same in a tenth of the time.
    if hasattr(yaml, "CSafeLoader"):
        yaml.safe_load = lambda text: yaml.load(text, Loader=yaml.CSafeLoader)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boxoffice", required=True, help="the binary")
    parser.add_argument("--show", metavar="CASE", help="print the text of one case and end")
    args = parser.parse_args()
    # The folders of plain Datalog; what is defeasible is another language.
    folders = [get_tests_dir() / name for name in ("basic", "negation", "recursion", "errors")]
    cases = [found for folder in folders for found in discover_yaml_tests(folder) if found[1].program is not None]
    if args.show:
        for _, case in cases:
            if case.name == args.show:
                print(text(case, False), end="")
        return 0
    return max(judge(cases, args.boxoffice, declare) for declare in (False, True))


def judge(cases, boxoffice, declare):
    """Runs all cases, with or without declarations. What the program is to end with."""
    known = {**CONTRADICTIONS, **(DECLARED if declare else {})}
    passed, failed, expected, surprising = 0, [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for path, case in cases:
            name = f"{path.parent.name}/{path.name}"
            wrong = run(case, boxoffice, declare, pathlib.Path(folder))
            if wrong is None:
                passed += 1
                surprising += [case.name] if case.name in known else []
            elif case.name in known:
                expected.append(f"{name}: {case.name}: {known[case.name]}")
            else:
                failed.append(f"{name}: {case.name}: {wrong}")
    for line in expected:
        print(f"known contradiction: {line}")
    for line in failed:
        print(f"FAILED {line}")
    for name in surprising:
        print(f"FAILED {name} passes and is in the table of contradictions")
    how = "with declarations" if declare else "without declarations"
    print(f"{how}: {passed} passed, {len(failed)} failed, {len(expected)} known contradictions")
    return 1 if failed or surprising else 0


if __name__ == "__main__":
    sys.exit(main())
