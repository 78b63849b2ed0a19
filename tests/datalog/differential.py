#!/usr/bin/env python3
"""Random programs through boxoffice and through clingo: every derived relation and the answers to a query must be the same.

    python3 tests/datalog/differential.py --programs 300 --seed 1 --boxoffice target/release/boxoffice

Without --boxoffice clingo is compared with the naive evaluator beside this file, which checks the translation. A
difference is made smaller as long as it stays, printed and saved. Exit code: 0 when all agreed, 1 when some did not.
"""

import argparse
import copy
import json
import multiprocessing
import pathlib
import random
import re
import subprocess
import sys
import tempfile

import naive
import programs

SECONDS = 10
ROWS = 20_000


class Skip(Exception):
    """Too big to be worth it."""


class Refused(Exception):
    pass


# ---- clingo, in a process of its own that can be ended ----


def serve(pipe):
    import clingo

    def value(symbol):
        return symbol.number if symbol.type == clingo.SymbolType.Number else symbol.string

    def model(text):
        said = []
        control = clingo.Control(["--warn=none"], logger=lambda code, message: said.append(message))
        control.add("base", [], text)
        control.ground([("base", [])])
        rows = {}

        def keep(found):
            for symbol in found.symbols(atoms=True):
                rows.setdefault(symbol.name, set()).add(tuple(map(value, symbol.arguments)))

        control.solve(on_model=keep)
        return rows

    while True:
        text = pipe.recv()
        try:
            pipe.send(("rows", model(text)))
        except Exception as error:  # a text that it does not take is our fault: shown, never passed over
            pipe.send(("error", str(error)))


class Clingo:
    def __init__(self):
        self.process = None

    def start(self):
        self.pipe, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=serve, args=(theirs,), daemon=True)
        self.process.start()

    def rows(self, program):
        if self.process is None:
            self.start()
        self.pipe.send(programs.clingo_text(program))
        if not self.pipe.poll(SECONDS):
            self.process.kill()
            self.process = None
            raise Skip
        kind, answer = self.pipe.recv()
        if kind == "error":
            raise Refused(f"clingo: {answer}")
        return answer


# ---- boxoffice ----


class Boxoffice:
    def __init__(self, path):
        self.path = path

    def rows(self, program):
        with tempfile.TemporaryDirectory() as folder:
            return self.rows_in(pathlib.Path(folder), program)

    def rows_in(self, folder, program):
        text, files = programs.ours(program)
        (folder / "program.dl").write_text(text)
        for name, rows in files.items():
            (folder / name).write_text(rows)
        command = [self.path, "datalog", str(folder / "program.dl"), "--json", "--facts", str(folder)]
        rows = self.answers(command)
        if program.query:
            # Asked of a program that has worked out nothing yet: the answers are found from the question.
            rows |= self.answers([*command, "--query", programs.ours_query(program)])
        return rows

    @staticmethod
    def answers(command):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=6 * SECONDS)
        except subprocess.TimeoutExpired:
            raise Refused("no answer in time") from None
        if done.returncode:
            raise Refused(f"exit code {done.returncode}: {done.stderr.strip()}")
        rows = {}
        for line in done.stdout.splitlines():
            row = json.loads(line)
            rows.setdefault(row["relation"], set()).add(tuple(row["row"]))
        return rows


class Naive:
    def rows(self, program):
        try:
            return naive.evaluate(program)
        except naive.TooLong:
            raise Skip from None
        except (RuntimeError, KeyError) as error:
            raise Refused(f"unsafe: {error}") from None


# ---- the comparison ----


def difference(program, left, right):
    """None, or what differs: its kind in one word, and a text."""
    try:
        expected = left.rows(program)
    except Refused as refused:
        return ("oracle", str(refused))
    if sum(map(len, expected.values())) > ROWS:
        raise Skip
    try:
        found = right.rows(program)
    except Refused as refused:
        # Made smaller, it must still be refused for the same reason.
        return (f"refused {''.join(re.findall(r'E-[a-z-]+', str(refused))[:1])}", str(refused))
    for name in program.derived() + ["query"] * (program.query is not None):
        missing = expected.get(name, set()) - found.get(name, set())
        more = found.get(name, set()) - expected.get(name, set())
        if missing or more:
            show = lambda rows: sorted(rows, key=repr)[:8]
            return ("rows", f"{name}: missing {show(missing)}, too many {show(more)}")
    return None


def smaller(program):
    """Programs with one thing less."""
    if program.query:
        less = copy.deepcopy(program)
        less.query = None
        yield less
        for at in range(len(program.query.body)):
            less = copy.deepcopy(program)
            del less.query.body[at]
            names = dict.fromkeys(name for literal in less.query.body for name in programs.in_order(literal))
            less.query.args = [("v", name) for name in names]
            if less.query.body:
                yield less
    for place in range(len(program.rules)):
        less = copy.deepcopy(program)
        del less.rules[place]
        yield less
    for name, relation in program.relations.items():
        for size in {max(1, len(relation.facts) // 2), 1} if relation.facts else ():
            for place in range(0, len(relation.facts), size):
                less = copy.deepcopy(program)
                del less.relations[name].facts[place : place + size]
                yield less
    for place, rule in enumerate(program.rules):
        for at in range(len(rule.body)):
            if len(rule.body) > 1:
                less = copy.deepcopy(program)
                del less.rules[place].body[at]
                yield less
    used = {rule.head for rule in program.rules} | {name for rule in program.rules for name in mentioned(rule.body)}
    used |= set(mentioned(program.query.body)) if program.query else set()
    for name in program.relations.keys() - used:
        less = copy.deepcopy(program)
        del less.relations[name]
        yield less


def mentioned(body):
    for literal in body:
        if literal[0] in ("atom", "not"):
            yield literal[1]
        elif literal[0] == "or":
            for branch in literal[1]:
                yield from mentioned(branch)
        elif literal[0] == "nand":
            yield from mentioned(literal[1])
        elif literal[0] in ("agg", "aggcmp"):
            yield from mentioned(literal[-1])


def minimised(program, kind, left, right):
    found = True
    while found:
        found = False
        for less in smaller(program):
            try:
                differs = difference(less, left, right)
            except Skip:
                continue
            # A rule that lost what bound its variables is refused by clingo: that is a difference of another kind.
            if differs and differs[0] == kind:
                program, found = less, True
                break
    return program


def report(program, differs, seed, folder):
    text, files = programs.ours(program)
    shown = f"// seed {seed}: {differs[1]}\n{text}"
    shown += f"// --query '{programs.ours_query(program)}'\n" if program.query else ""
    shown += "".join(f"// {name}:\n{rows}" for name, rows in files.items())
    print(f"DIFFERENCE ({differs[0]})\n{shown}\n// for clingo\n{programs.clingo_text(program)}", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{seed}.dl").write_text(shown)
    (folder / f"{seed}.lp").write_text(programs.clingo_text(program))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1, help="of the first; the others follow")
    parser.add_argument("--boxoffice", help="the binary; without it the naive evaluator")
    parser.add_argument("--oracle", choices=["clingo", "naive"], default="clingo")
    parser.add_argument("--save", type=pathlib.Path, default=pathlib.Path("target/datalog-differences"))
    parser.add_argument("--show", action="store_true", help="print each program before it is run")
    args = parser.parse_args()
    left = Clingo() if args.oracle == "clingo" else Naive()
    right = Boxoffice(args.boxoffice) if args.boxoffice else Naive()
    same = differing = skipped = 0
    for seed in range(args.seed, args.seed + args.programs):
        program = programs.generate(random.Random(seed))
        if args.show:
            print(f"// seed {seed}\n{programs.ours(program)[0]}// --query '{programs.ours_query(program)}'\n{programs.clingo_text(program)}", flush=True)
        try:
            differs = difference(program, left, right)
        except Skip:
            skipped += 1
            continue
        if differs:
            differing += 1
            least = minimised(program, differs[0], left, right)
            report(least, difference(least, left, right), seed, args.save)
        else:
            same += 1
    print(f"{same} programs agreed, {differing} differed, {skipped} were too big")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
