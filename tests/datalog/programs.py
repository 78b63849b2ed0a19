"""Random stratified Datalog programs, and how they are written for boxoffice and for clingo.

A program is small on purpose: a difference must be readable. Everything random comes from the generator that is passed
in, so a seed names a program.

Terms and expressions are tuples: ("v", name), ("c", value), ("_",), ("op", name, left, right), ("neg", operand).
Literals are tuples too; the first part names the kind:
    ("atom", relation, args)                    ("not", relation, args)
    ("cmp", op, left, right)                    ("let", variable, expression)
    ("range", variable, from, to)
    ("or", [literals, ...])                     ("nand", literals)
    ("agg", kind, result, target, literals)     ("aggcmp", op, left, kind, target, literals)
"""

from dataclasses import dataclass, field

SYMBOLS = ["a", "b", "c", "d", "A b", "12", 'q"x', ""]
# Numbers of a recursive rule stay within the first, others within the second: everything ends, and nothing comes near
# the 32 bits that clingo has.
NARROW, WIDE = 8, 200
# Above every stratum.
LAST = 99
COMPARE = ["=", "!=", "<", "<=", ">", ">="]
OPPOSITE = dict(zip(COMPARE, ["!=", "=", ">=", ">", "<=", "<"]))
# Ours to clingo's.
OPERATORS = {"+": "+", "-": "-", "*": "*", "/": "/", "%": "\\", "^": "**", "band": "&", "bor": "?", "bxor": "^"}


@dataclass
class Relation:
    name: str
    types: list  # of "n" for numbers, "s" for texts, and in a bare program "a" for both
    level: int = -1  # -1: facts only; else its stratum
    facts: list = field(default_factory=list)


@dataclass
class Rule:
    head: str
    args: list
    body: list


@dataclass
class Program:
    relations: dict
    rules: list
    style: str = "declared"  # or "bare": no declarations; or "files": facts stand in files
    query: Rule = None  # its body is asked; its arguments are the variables in the order of the text

    def derived(self):
        heads = {rule.head for rule in self.rules}
        return sorted(heads | {r.name for r in self.relations.values() if r.level >= 0 and r.facts})


# ---- what occurs in a literal ----


def expr_vars(term):
    if term[0] == "v":
        return {term[1]}
    if term[0] == "op":
        return expr_vars(term[2]) | expr_vars(term[3])
    return expr_vars(term[1]) if term[0] == "neg" else set()


def literal_vars(literal):
    kind = literal[0]
    if kind in ("atom", "not"):
        return set().union(*map(expr_vars, literal[2]))
    if kind == "cmp":
        return expr_vars(literal[2]) | expr_vars(literal[3])
    if kind == "let":
        return {literal[1]} | expr_vars(literal[2])
    if kind == "range":
        return {literal[1]} | expr_vars(literal[2]) | expr_vars(literal[3])
    if kind == "or":
        return set().union(*(literal_vars(one) for branch in literal[1] for one in branch))
    if kind == "nand":
        return body_vars(literal[1])
    target, body = literal[-2], literal[-1]
    # Those of the target are the aggregate's own, whatever has their name outside it.
    inside = set().union(*map(literal_vars, body)) - (expr_vars(target) if target else set())
    return inside | ({literal[2]} if kind == "agg" else expr_vars(literal[2]))


def renamed(part, names):
    """A term, a literal or a list of them with other names for some variables."""
    if isinstance(part, list):
        return [renamed(one, names) for one in part]
    if not isinstance(part, tuple) or part[:1] == ("c",):
        return part
    if part[0] == "v":
        return ("v", names.get(part[1], part[1]))
    return tuple(renamed(one, names) for one in part)


def body_vars(body):
    return set().union(*map(literal_vars, body))


def in_order(part):
    """The variables of an expression, an atom or a comparison as they come in the text."""
    if part[0] == "v":
        return [part[1]]
    inside = part[2] if part[0] in ("atom", "not") else [one for one in part[1:] if isinstance(one, tuple)]
    return [name for one in inside for name in in_order(one)]


# ---- the generator ----


def generate(rng):
    domain = Domain(rng)
    style = rng.choice(["declared", "declared", "bare", "files"])
    kinds = "nnssa" if style == "bare" and rng.random() < 0.5 else "nns"
    relations = {}
    for index in range(rng.randint(2, 5)):
        relation = Relation(f"e{index}", types(rng, kinds))
        relation.facts = facts(domain, relation, rng.randint(1, 14))
        relations[relation.name] = relation
    level = 0
    derived = []
    for index in range(rng.randint(2, 5)):
        level += index > 0 and rng.random() < 0.6
        relation = Relation(f"p{index}", types(rng, kinds), int(level))
        if rng.random() < 0.15:
            relation.facts = facts(domain, relation, rng.randint(1, 3))
        relations[relation.name] = relation
        derived.append(relation)
    program = Program(relations, [], style)
    for relation in derived:
        program.rules.append(Maker(domain, program, relation, recursive=False, extras=[0, 0, 1, 1, 2]).rule())
    for _ in range(rng.randint(0, 12 - len(derived))):
        relation = rng.choice(derived)
        program.rules.append(Maker(domain, program, relation, recursive=rng.random() < 0.5, extras=[0, 1, 1, 2, 3]).rule())
    asked = Maker(domain, program, Relation("query", [], LAST), recursive=False, extras=[])
    program.query = asked.query()
    return program


def types(rng, kinds):
    arity = rng.choices(range(5), [1, 4, 7, 4, 1])[0]
    return [rng.choice(kinds) for _ in range(arity)]


def facts(domain, relation, count):
    return sorted({tuple(domain.constant(kind)[1] for kind in relation.types) for _ in range(count)}, key=repr)


class Domain:
    """The few values of one program: few, so that rows meet."""

    def __init__(self, rng):
        self.rng = rng
        first = rng.choice([-2, 0, 0, 1])
        self.values = {"n": range(first, first + rng.randint(3, 6)), "s": rng.sample(SYMBOLS, rng.randint(2, 4))}
        self.values["a"] = [*self.values["n"][:2], *self.values["s"][:2]]

    def constant(self, kind):
        return ("c", self.rng.choice(self.values[kind]))


class Maker:
    """One rule."""

    def __init__(self, domain, program, head, recursive, extras):
        self.rng, self.constant = domain.rng, domain.constant
        self.program, self.head, self.recursive, self.extras = program, head, recursive, extras
        every = list(program.relations.values())
        self.below = [relation for relation in every if relation.level < head.level]
        self.same = [relation for relation in every if relation.level == head.level]
        self.bound = {"n": [], "s": [], "a": []}
        self.fresh = 0
        self.body = []

    def new(self, prefix):
        self.fresh += 1
        return f"{prefix}{self.fresh}"

    def rule(self):
        self.atoms()
        extras = [self.negation, self.comparison, self.arithmetic, self.aggregate, self.range, self.disjunction]
        for extra in self.rng.choices(extras, [5, 4, 4, 4, 1, 2], k=self.rng.choice(self.extras)):
            extra()
        args = [self.head_arg(kind) for kind in self.head.types]
        if not self.body:
            self.range()
        body = list(self.body)
        if self.rng.random() < 0.3:
            self.rng.shuffle(body)
        return Rule(self.head.name, args, body)

    def query(self):
        """Atoms and tests: every variable is bound, so that the columns of the answer are beyond doubt."""
        self.atoms()
        while not self.body:
            self.atoms()
        for extra in self.rng.choices([self.negation, self.comparison], k=self.rng.choice([0, 0, 1, 2])):
            extra()
        names = dict.fromkeys(name for literal in self.body for name in in_order(literal))
        return Rule("query", [("v", name) for name in names], self.body)

    def atoms(self):
        count = self.rng.choices([0, 1, 2, 3], [1, 8, 9, 4])[0]
        for index in range(max(count, self.recursive)):
            pool = self.below
            if self.recursive and (index == 0 or self.rng.random() < 0.3):
                pool = self.same
            relation = self.rng.choice(pool)
            args = [self.positive(kind) for kind in relation.types]
            self.body.append(("atom", relation.name, args))

    def positive(self, kind):
        dice = self.rng.random()
        if dice < 0.1:
            return ("_",)
        if dice < 0.14:
            return self.constant(kind)
        if dice < 0.16 and kind == "n" and self.bound["n"]:
            return self.expression()
        name = self.rng.choice({"n": ["x", "y", "z", "w"], "s": ["s", "t", "u"], "a": ["g", "h"]}[kind])
        if kind == "a" and self.head.level == LAST:
            # Rules make columns of one type where they meet; a query finds them as they are.
            name = self.new("g")
        self.bind(kind, name)
        return ("v", name)

    def bind(self, kind, name):
        if name not in self.bound[kind]:
            self.bound[kind].append(name)

    def known(self, kind, constants=0.25):
        if not self.bound[kind] or self.rng.random() < constants:
            return self.constant(kind)
        return ("v", self.rng.choice(self.bound[kind]))

    def expression(self):
        """Not a bare variable. A divisor is a constant that is not 0: clingo drops what ours refuses."""
        op = self.rng.choices(list(OPERATORS), [6, 6, 2, 2, 2, 1, 1, 1, 1])[0]
        left = self.known("n", 0.1)
        if op in ("/", "%"):
            right = ("c", self.rng.choice([-3, -2, 2, 3, 5]))
        elif op == "^":
            right = ("c", 2)
        else:
            right = self.known("n", 0.5)
        made = ("op", op, left, right)
        return ("neg", made) if self.rng.random() < 0.1 else made

    def guard(self, expression):
        bound = NARROW if self.recursive else WIDE
        self.body.append(("cmp", "<=", ("c", -bound), expression))
        self.body.append(("cmp", "<=", expression, ("c", bound)))

    def negation(self):
        relation = self.rng.choice(self.below)
        local = {kind: self.new("k") for kind in "nsa"}
        args = []
        for kind in relation.types:
            dice = self.rng.random()
            if dice < 0.15:
                args.append(("_",))
            elif dice < 0.22 and self.head.level != LAST:
                args.append(("v", local[kind]))
            elif dice < 0.3 and kind == "n" and self.bound["n"]:
                args.append(self.expression())
            else:
                args.append(self.known(kind))
        self.body.append(("not", relation.name, args))

    def compared(self):
        if self.bound["s"] and self.rng.random() < 0.35:
            return ("cmp", self.rng.choice(COMPARE), self.known("s", 0), self.known("s", 0.5))
        left = self.expression() if self.rng.random() < 0.4 else self.known("n", 0)
        return ("cmp", self.rng.choice(COMPARE), left, self.known("n", 0.4))

    def comparison(self):
        self.body.append(self.compared())

    def arithmetic(self):
        name = self.new("v")
        if self.rng.random() < 0.2:
            kind = self.rng.choice([kind for kind in "nsa" if self.bound[kind]] or ["n"])
            self.body.append(("let", name, self.known(kind, 0.4)))
            self.bind(kind, name)
            return
        self.body.append(("let", name, self.expression()))
        self.bind("n", name)
        self.guard(("v", name))

    def range(self):
        name = self.new("r")
        self.body.append(("range", name, self.constant("n"), self.known("n", 0.6)))
        self.bind("n", name)

    def disjunction(self):
        """Each branch binds the same variables: none, or one that is new."""
        if self.rng.random() < 0.2:
            relation = self.rng.choice(self.below)
            args = [("_",) if self.rng.random() < 0.2 else self.known(one) for one in relation.types]
            group = [("atom", relation.name, args), self.compared()]
            self.body.append(("nand", group[:: self.rng.choice([1, -1])]))
            return
        kind = self.rng.choice("ns")
        holders = [relation for relation in self.below if kind in relation.types]
        name = self.new("o") if holders and self.rng.random() < 0.6 else None
        branches = []
        for _ in range(self.rng.choice([2, 2, 3])):
            if name:
                relation = self.rng.choice(holders)
                places = [place for place, one in enumerate(relation.types) if one == kind]
                args = [self.known(one) if self.rng.random() < 0.4 else ("_",) for one in relation.types]
                args[self.rng.choice(places)] = ("v", name)
                branch = [("atom", relation.name, args)]
            else:
                relation = self.rng.choice(self.below)
                args = [self.known(one) if self.rng.random() < 0.6 else ("_",) for one in relation.types]
                branch = [(self.rng.choice(["atom", "not"]), relation.name, args)]
            if self.rng.random() < 0.3:
                branch.append(self.compared())
            branches.append(branch)
        self.body.append(("or", branches))
        if name:
            self.bind(kind, name)

    def aggregate(self):
        kind = self.rng.choice(["count", "sum", "min", "max"])
        local = {"n": [self.new("l"), self.new("l")], "s": [self.new("l")], "a": [self.new("l")]}
        inside, numbers = [], []
        for _ in range(self.rng.choice([1, 1, 2])):
            relation = self.rng.choice(self.below)
            args = []
            for one in relation.types:
                dice = self.rng.random()
                if dice < 0.12:
                    args.append(("_",))
                elif dice < 0.5 and self.bound[one]:
                    args.append(("v", self.rng.choice(self.bound[one])))
                elif dice < 0.57:
                    args.append(self.constant(one))
                else:
                    args.append(("v", self.rng.choice(local[one])))
                if one == "n" and args[-1][0] == "v":
                    numbers.append(args[-1][1])
            inside.append(("atom", relation.name, args))
        target = None
        if kind != "count":
            if not numbers:
                return
            target = ("v", self.rng.choice(numbers))
            if self.rng.random() < 0.3:
                target = ("op", self.rng.choice("+-*"), target, self.constant("n"))
        if numbers and self.rng.random() < 0.3:
            left = ("v", self.rng.choice(numbers))
            inside.append(("cmp", self.rng.choice(COMPARE), left, self.constant("n")))
        if self.rng.random() < 0.2:
            inside.append(self.inner_negation(inside))
        if self.rng.random() < 0.25:
            op = self.rng.choice(COMPARE)
            self.body.append(("aggcmp", op, self.known("n"), kind, target, inside))
            return
        result = self.new("m")
        self.body.append(("agg", kind, result, target, inside))
        self.bind("n", result)
        self.guard(("v", result))

    def inner_negation(self, inside):
        held = {"n": [], "s": [], "a": []}
        for _, name, args in (literal for literal in inside if literal[0] == "atom"):
            for one, arg in zip(self.program.relations[name].types, args):
                if arg[0] == "v":
                    held[one].append(arg)
        relation = self.rng.choice(self.below)
        choose = lambda one: self.rng.choice(held[one]) if held[one] and self.rng.random() < 0.7 else ("_",)
        return ("not", relation.name, [choose(one) for one in relation.types])

    def head_arg(self, kind):
        if kind == "n" and self.bound["n"] and self.rng.random() < 0.2:
            expression = self.expression()
            self.guard(expression)
            return expression
        return self.known(kind, 0.12)


# ---- written for boxoffice ----


def quoted(value):
    if isinstance(value, int):
        return str(value)
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def ours_expr(term):
    if term[0] == "v":
        return term[1]
    if term[0] == "c":
        return quoted(term[1])
    if term[0] == "_":
        return "_"
    if term[0] == "neg":
        return f"-({ours_expr(term[1])})"
    return f"({ours_operand(term[2])} {term[1]} {ours_operand(term[3])})"


def ours_operand(term):
    """`-2 ^ 2` is another number than `(-2) ^ 2`."""
    negative = term[0] == "c" and isinstance(term[1], int) and term[1] < 0
    return f"({term[1]})" if negative else ours_expr(term)


def ours_atom(name, args):
    return f"{name}({', '.join(map(ours_expr, args))})"


def ours_aggregate(kind, target, inside):
    of = f" {ours_expr(target)}" if target else ""
    return f"{kind}{of} : {{ {', '.join(map(ours_literal, inside))} }}"


def ours_literal(literal):
    match literal:
        case ("atom", name, args):
            return ours_atom(name, args)
        case ("not", name, args):
            return "!" + ours_atom(name, args)
        case ("cmp", op, left, right):
            return f"{ours_expr(left)} {op} {ours_expr(right)}"
        case ("let", name, expression):
            # Every other one the other way round.
            sides = [name, ours_expr(expression)]
            return " = ".join(sides if int(name[1:]) % 2 else reversed(sides))
        case ("range", name, first, last):
            return f"{name} = range({ours_expr(first)}, {ours_expr(last)})"
        case ("or", branches):
            return "(" + " ; ".join(", ".join(map(ours_literal, branch)) for branch in branches) + ")"
        case ("nand", group):
            return "!(" + ", ".join(map(ours_literal, group)) + ")"
        case ("agg", kind, result, target, inside):
            return f"{result} = {ours_aggregate(kind, target, inside)}"
        case ("aggcmp", op, left, kind, target, inside):
            return f"{ours_expr(left)} {op} {ours_aggregate(kind, target, inside)}"
    raise AssertionError(literal)


def ours_query(program):
    return ", ".join(map(ours_literal, program.query.body))


def ours(program):
    """The text, and a text for each facts file."""
    lines, files = [], {}
    for relation in program.relations.values():
        if program.style != "bare":
            names = {"n": "number", "s": "symbol"}
            columns = ", ".join(f"c{place}: {names[one]}" for place, one in enumerate(relation.types))
            lines.append(f".decl {relation.name}({columns})")
        if program.style == "files" and relation.level < 0:
            lines.append(f".input {relation.name}")
            rows = ["\t".join(map(str, row)) if row else "()" for row in relation.facts]
            files[f"{relation.name}.facts"] = "".join(row + "\n" for row in rows)
        else:
            lines += [f"{relation.name}({', '.join(map(quoted, row))})." for row in relation.facts]
        if program.style != "bare" and relation.level >= 0:
            lines.append(f".output {relation.name}")
    for rule in program.rules:
        body = ", ".join(map(ours_literal, rule.body))
        lines.append(f"{ours_atom(rule.head, rule.args)} :- {body}.")
    return "\n".join(lines) + "\n", files


# ---- written for clingo ----


def expand(body):
    """Bodies without disjunctions and without ranges that run from a variable: one of them holds where `body` does."""
    if not body:
        return [[]]
    rest = expand(body[1:])
    first = body[0]
    if first[0] == "or":
        heads = [part for branch in first[1] for part in expand(branch)]
    elif first[0] == "nand":
        heads = [[opposite(one)] for one in first[1]]
    elif first[0] == "range":
        # Upwards or downwards; not both hold anything.
        heads = [[("up", *first[1:])], [("down", *first[1:])]]
    else:
        heads = [[first]]
    return [head + tail for head in heads for tail in rest]


def opposite(literal):
    if literal[0] == "cmp":
        return ("cmp", OPPOSITE[literal[1]], *literal[2:])
    return ("not", *literal[1:])


class Clingo:
    def __init__(self):
        self.lines = []
        self.helpers = 0

    def expr(self, term):
        if term[0] == "v":
            return term[1].upper()
        if term[0] == "neg":
            return f"(0-({self.expr(term[1])}))"
        if term[0] == "op":
            return f"({self.expr(term[2])} {OPERATORS[term[1]]} {self.expr(term[3])})"
        return f"({term[1]})" if term[0] == "c" and isinstance(term[1], int) else ours_expr(term)

    def atom(self, name, args):
        return f"{name}({', '.join(map(self.expr, args))})" if args else name

    def literal(self, literal, outside):
        """`outside`: variables that occur elsewhere in the rule."""
        match literal:
            case ("atom", name, args):
                return self.atom(name, args)
            case ("not", name, args):
                return "not " + self.negated(name, args, outside)
            case ("cmp", op, left, right):
                return f"{self.expr(left)} {op} {self.expr(right)}"
            case ("let", name, expression):
                return f"{name.upper()} = {self.expr(expression)}"
            case ("up", name, first, last):
                return f"{name.upper()} = {self.expr(first)}..({self.expr(last)}-1)"
            case ("down", name, first, last):
                return f"{name.upper()} = ({self.expr(last)}+1)..{self.expr(first)}"
            case ("agg", kind, result, target, inside):
                return self.aggregate(kind, result.upper(), target, inside)
            case ("aggcmp", op, left, kind, target, inside):
                self.helpers += 1
                result = f"H{self.helpers}"
                made = self.aggregate(kind, result, target, inside)
                return f"{made}, {self.expr(left)} {op} {result}"
        raise AssertionError(literal)

    def negated(self, name, args, outside):
        """A variable of its own means any value, the same one throughout: a helper says for which others there is one."""
        own = set().union(*map(expr_vars, args)) - outside
        if not own:
            return self.atom(name, args)
        # An expression over what is known is no place for a local variable, so those are kept as plain arguments.
        self.helpers += 1
        slots = [("v", f"x{place}") if expr_vars(arg).isdisjoint(own) else arg for place, arg in enumerate(args)]
        kept = [place for place, arg in enumerate(args) if expr_vars(arg).isdisjoint(own) and arg != ("_",)]
        helper = f"helper{self.helpers}"
        self.lines.append(f"{self.atom(helper, [slots[place] for place in kept])} :- {self.atom(name, slots)}.")
        return self.atom(helper, [args[place] for place in kept])

    def own_names(self, target, inside):
        """The variables of a target get names that are nowhere else."""
        if target is None:
            return target, inside
        self.helpers += 1
        own = {name: f"{name}_{self.helpers}" for name in expr_vars(target)}
        return renamed(target, own), [renamed(literal, own) for literal in inside]

    def aggregate(self, kind, result, target, inside):
        """All variables of the body stand in the tuple, and a new one for each `_`: what is counted are bindings."""
        named, body = [], []
        target, inside = self.own_names(target, inside)
        for literal in inside:
            if literal[0] == "atom":
                args = []
                for arg in literal[2]:
                    if arg == ("_",):
                        self.helpers += 1
                        arg = ("v", f"h{self.helpers}")
                    args.append(arg)
                literal = (literal[0], literal[1], args)
            body.append(literal)
        positive = sorted(set().union(*(literal_vars(one) for one in body if one[0] == "atom")))
        named = [("c", 0)] if not positive and not target else [("v", name) for name in positive]
        parts = [target] * (target is not None) + named
        conditions = ", ".join(self.literal(one, set(positive)) for one in body)
        made = f"{result} = #{kind} {{ {', '.join(map(self.expr, parts))} : {conditions} }}"
        if kind in ("min", "max"):
            # Of nothing these are #sup and #inf: no number.
            made += f", {result} != #sup, {result} != #inf"
        return made

    def rule(self, rule):
        for body in expand(rule.body):
            literals = []
            for place, literal in enumerate(body):
                outside = body_vars_of(body[:place] + body[place + 1 :]) | set().union(*map(expr_vars, rule.args))
                literals.append(self.literal(literal, outside))
            self.lines.append(f"{self.atom(rule.head, rule.args)} :- {', '.join(literals)}.")


def body_vars_of(body):
    return body_vars([("range", *one[1:]) if one[0] in ("up", "down") else one for one in body])


def clingo_text(program):
    made = Clingo()
    for relation in program.relations.values():
        for row in relation.facts:
            made.lines.append(made.atom(relation.name, [("c", value) for value in row]) + ".")
    for rule in program.rules + [program.query] * (program.query is not None):
        made.rule(rule)
    return "\n".join(made.lines) + "\n"
