"""The plainest evaluator: every rule over all facts until nothing new comes, stratum by stratum.

It is here to check the translation to clingo, and to say who is right when clingo and boxoffice differ.
"""

from programs import COMPARE, expr_vars, literal_vars

STEPS = 2_000_000


class TooLong(Exception):
    pass


def truncated(left, right):
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


OPERATIONS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": truncated,
    "%": lambda a, b: a - b * truncated(a, b),
    "^": lambda a, b: a**b,
    "band": lambda a, b: a & b,
    "bor": lambda a, b: a | b,
    "bxor": lambda a, b: a ^ b,
}


def key(value):
    return value.encode() if isinstance(value, str) else value


COMPARISONS = dict(
    zip(
        COMPARE,
        [
            lambda a, b: a == b,
            lambda a, b: a != b,
            lambda a, b: key(a) < key(b),
            lambda a, b: key(a) <= key(b),
            lambda a, b: key(a) > key(b),
            lambda a, b: key(a) >= key(b),
        ],
    )
)


class Naive:
    def __init__(self, program):
        self.program = program
        self.rows = {name: set(relation.facts) for name, relation in program.relations.items()}
        self.steps = 0

    def run(self):
        levels = sorted({relation.level for relation in self.program.relations.values()})
        for level in levels:
            rules = [rule for rule in self.program.rules if self.program.relations[rule.head].level == level]
            while sum([self.fire(rule) for rule in rules]):
                pass
        if self.program.query:
            self.rows["query"] = set()
            self.fire(self.program.query)
        return self.rows

    def fire(self, rule):
        """How many rows are new."""
        elsewhere = set().union(*map(expr_vars, rule.args))
        found = set()
        for binding in self.solve(list(rule.body), {}, elsewhere):
            found.add(tuple(self.value(arg, binding) for arg in rule.args))
        new = found - self.rows[rule.head]
        self.rows[rule.head] |= new
        return len(new)

    def value(self, term, binding):
        if term[0] == "v":
            return binding[term[1]]
        if term[0] == "c":
            return term[1]
        if term[0] == "neg":
            return -self.value(term[1], binding)
        return OPERATIONS[term[1]](self.value(term[2], binding), self.value(term[3], binding))

    def solve(self, literals, binding, outside):
        """All bindings under which the literals hold. `outside`: variables that are not local to an aggregate."""
        self.steps += 1
        if self.steps > STEPS:
            raise TooLong
        if not literals:
            yield binding
            return
        place = next(place for place in self.order(literals) if self.ready(literals, place, binding, outside))
        rest = literals[:place] + literals[place + 1 :]
        around = outside.union(*map(literal_vars, rest))
        for extended, more in self.step(literals[place], binding, around):
            yield from self.solve(more + rest, extended, outside)

    @staticmethod
    def order(literals):
        """Tests before what multiplies."""
        costs = {"cmp": 0, "let": 0, "not": 1, "nand": 1, "atom": 2, "range": 2, "agg": 3, "aggcmp": 3, "or": 4}
        return sorted(range(len(literals)), key=lambda place: costs[literals[place][0]])

    def ready(self, literals, place, binding, outside):
        literal = literals[place]
        rest = literals[:place] + literals[place + 1 :]
        around = outside.union(*map(literal_vars, rest))
        match literal:
            case ("atom", _, args):
                plain = {arg[1] for arg in args if arg[0] == "v"}
                needed = set().union(*(expr_vars(arg) for arg in args)) - plain
            case ("not", _, _):
                needed = literal_vars(literal) & around
            case ("cmp", _, _, _) | ("nand", _):
                needed = literal_vars(literal)
            case ("let", _, expression):
                needed = expr_vars(expression)
            case ("range", _, first, last):
                needed = expr_vars(first) | expr_vars(last)
            case ("agg", _, result, _, _):
                needed = (literal_vars(literal) - {result}) & around
            case ("aggcmp", _, left, _, _, _):
                needed = literal_vars(literal) & around | expr_vars(left)
            case ("or", _):
                return True
        return needed <= binding.keys()

    def step(self, literal, binding, around):
        match literal:
            case ("atom", name, args):
                for row in self.rows[name]:
                    extended = self.matched(args, row, binding)
                    if extended is not None:
                        yield extended, []
            case ("not", name, args):
                if all(self.matched(args, row, binding) is None for row in self.rows[name]):
                    yield binding, []
            case ("cmp", op, left, right):
                if COMPARISONS[op](self.value(left, binding), self.value(right, binding)):
                    yield binding, []
            case ("nand", group):
                if not any(True for _ in self.solve(list(group), dict(binding), set(binding))):
                    yield binding, []
            case ("let", name, expression):
                yield from self.bind(name, self.value(expression, binding), binding)
            case ("range", name, first, last):
                first, last = self.value(first, binding), self.value(last, binding)
                for value in range(first, last, 1 if first <= last else -1):
                    yield from self.bind(name, value, binding)
            case ("or", branches):
                for branch in branches:
                    yield binding, list(branch)
            case ("agg", kind, result, target, inside):
                for value in self.aggregate(kind, target, inside, binding):
                    yield from self.bind(result, value, binding)
            case ("aggcmp", op, left, kind, target, inside):
                for value in self.aggregate(kind, target, inside, binding):
                    if COMPARISONS[op](self.value(left, binding), value):
                        yield binding, []

    @staticmethod
    def bind(name, value, binding):
        if binding.get(name, value) == value:
            yield {**binding, name: value}, []

    def matched(self, args, row, binding):
        self.steps += 1
        extended = dict(binding)
        for arg, value in zip(args, row):
            if arg[0] == "v" and extended.setdefault(arg[1], value) != value:
                return None
        given = (arg[0] in ("_", "v") or self.value(arg, extended) == value for arg, value in zip(args, row))
        return extended if all(given) else None

    def aggregate(self, kind, target, inside, binding):
        """One value, or none for the least and the greatest of nothing."""
        named, count = [], 0
        for literal in inside:
            if literal[0] == "atom":
                args = []
                for arg in literal[2]:
                    count += arg == ("_",)
                    args.append(("v", f"any {count}") if arg == ("_",) else arg)
                literal = ("atom", literal[1], args)
            named.append(literal)
        own = expr_vars(target) if target else set()
        outside = {name: value for name, value in binding.items() if name not in own}
        bindings = {tuple(sorted(found.items())) for found in self.solve(named, dict(outside), set(outside))}
        if kind == "count":
            return [len(bindings)]
        values = [self.value(target, dict(found)) for found in bindings]
        if kind == "sum":
            return [sum(values)]
        return [min(values) if kind == "min" else max(values)] if values else []


def evaluate(program):
    return Naive(program).run()
