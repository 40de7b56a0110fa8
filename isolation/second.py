"""The second prover: the same problems as constraints on strings, given to cvc5.

It shares the reading of policies with the first and nothing of its search, so that a mistake in the
automata shows as a disagreement.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise

import cvc5
from cvc5 import Kind, Term

from isolation.automata import common_head
from isolation.catalog import Action, action_pattern, template_pattern
from isolation.conditions import Test
from isolation.errors import Undecided
from isolation.patterns import AnyChar, Pattern, Star, Token, Tokens
from isolation.problem import Bound, Problem
from isolation.targets import ANY_RESOURCE

_REST: Tokens = (Star(),)
_LAST = 0x2FFFF  # the last character of SMT-LIB's theory of strings

TIME_LIMIT = 20_000
"""Milliseconds of cvc5 for one problem before the answer is "undecided"."""


def reaches(problem: Problem) -> bool:
    """Whether some request is allowed. Raises ``Undecided`` if cvc5 does not know."""
    if not problem.paths:
        return False
    return _Encoding(problem).satisfiable()


class _Strings:
    """Terms of cvc5's theory of strings and regular expressions."""

    def __init__(self) -> None:
        self.terms = cvc5.TermManager()
        self._expressions: dict[Tokens, Term] = {}

    def variable(self, name: str) -> Term:
        return self.terms.mkConst(self.terms.getStringSort(), name)

    def switch(self, name: str) -> Term:
        return self.terms.mkConst(self.terms.getBooleanSort(), name)

    def all_of(self, parts: Iterable[Term]) -> Term:
        return self._join(Kind.AND, parts, empty=True)

    def any_of(self, parts: Iterable[Term]) -> Term:
        return self._join(Kind.OR, parts, empty=False)

    def no(self, part: Term) -> Term:
        if part.isBooleanValue():
            return self.terms.mkBoolean(not part.getBooleanValue())
        return self.terms.mkTerm(Kind.NOT, part)

    def _join(self, kind: Kind, parts: Iterable[Term], *, empty: bool) -> Term:
        found = []
        for part in parts:
            if not part.isBooleanValue():
                found.append(part)
            elif part.getBooleanValue() != empty:
                return part
        if not found:
            return self.terms.mkBoolean(empty)
        return found[0] if len(found) == 1 else self.terms.mkTerm(kind, *found)

    def equals(self, variable: Term, text: str) -> Term:
        return self.terms.mkTerm(Kind.EQUAL, variable, self._text(text))

    def matches_any(self, variable: Term, patterns: Iterable[Pattern]) -> Term:
        return self.any_of(self.matches(variable, tuple(one.tokens())) for one in patterns)

    def matches(self, variable: Term, tokens: Tokens) -> Term:
        if tokens == _REST:
            return self.terms.mkBoolean(True)  # noqa: FBT003 - cvc5 takes it by place only
        return self.terms.mkTerm(Kind.STRING_IN_REGEXP, variable, self._expression(tokens))

    def _expression(self, tokens: Tokens) -> Term:
        found = self._expressions.get(tokens)
        if found is None:
            parts = [self._token(token) for token in tokens] or [self._literal("")]
            found = parts[0] if len(parts) == 1 else self.terms.mkTerm(Kind.REGEXP_CONCAT, *parts)
            self._expressions[tokens] = found
        return found

    def _token(self, token: Token) -> Term:
        if isinstance(token, str):
            letters = [self._literal(letter) for letter in token]
            return (
                letters[0] if len(letters) == 1 else self.terms.mkTerm(Kind.REGEXP_UNION, *letters)
            )
        one = self._character_but(token.exclude)
        return self.terms.mkTerm(Kind.REGEXP_STAR, one) if isinstance(token, Star) else one

    def _character_but(self, excluded: str) -> Term:
        """One character; as ranges, since cvc5 is slow with differences."""
        if not excluded:
            return self.terms.mkRegexpAllchar()
        bounds = [-1, *sorted(map(ord, excluded)), _LAST + 1]
        ranges = [
            self.terms.mkTerm(
                Kind.REGEXP_RANGE, self._text(chr(low + 1)), self._text(chr(high - 1))
            )
            for low, high in pairwise(bounds)
            if low + 1 < high
        ]
        return self.terms.mkTerm(Kind.REGEXP_UNION, *ranges)

    def _text(self, text: str) -> Term:
        return self.terms.mkString(_escaped(text), useEscSequences=True)

    def _literal(self, text: str) -> Term:
        return self.terms.mkTerm(Kind.STRING_TO_REGEXP, self._text(text))


def _escaped(text: str) -> str:
    """Text as SMT-LIB writes it: everything but plain ASCII as an escape."""
    return "".join(c if " " <= c <= "~" and c != "\\" else f"\\u{{{ord(c):x}}}" for c in text)


class _Key:
    """A key's values: several slots, each of which may be left out."""

    def __init__(self, name: str, tests: Sequence[Test], strings: _Strings) -> None:
        slots = len(tests) if any(test.several for test in tests) else 1
        self._strings = strings
        self.slots = [
            (strings.switch(f"{name} {n} given"), strings.variable(f"{name} {n}"))
            for n in range(slots)
        ]
        self.given = strings.any_of(given for given, _ in self.slots)

    def holds(self, test: Test) -> Term:
        strings = self._strings
        passed = [
            (given, strings.no(matched) if test.negated else matched)
            for given, value in self.slots
            for matched in [strings.matches_any(value, test.patterns)]
        ]
        if test.every:
            present = strings.all_of(strings.any_of([strings.no(g), ok]) for g, ok in passed)
        else:
            present = strings.any_of(strings.all_of([g, ok]) for g, ok in passed)
        if test.if_missing:
            return strings.any_of([strings.no(self.given), present])
        return strings.all_of([self.given, present])

    def within(self, patterns: Sequence[Pattern], *, or_missing: bool) -> Term:
        strings = self._strings
        values = strings.all_of(
            strings.any_of([strings.no(given), strings.matches_any(value, patterns)])
            for given, value in self.slots
        )
        return values if or_missing else strings.all_of([self.given, values])


class _Encoding:
    """One problem as one formula."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._strings = strings = _Strings()
        self._head = common_head([one.head for one in problem.target.patterns])
        self._rest = strings.variable("the resource after its head")
        self._action = strings.variable("action")
        allows = chain.from_iterable(layer.allows for path in problem.paths for layer in path)
        self._bounds = tuple({id(bound): bound for bound in chain(allows, problem.denies)}.values())
        tests: dict[str, list[Test]] = {name: [] for name in problem.target.keys}
        for bound in self._bounds:
            for test in bound.tests:
                tests.setdefault(test.key, []).append(test)
        self._keys = {name: _Key(name, found, strings) for name, found in tests.items()}
        self._applies = {id(bound): self._conditions(bound) for bound in self._bounds}

    def satisfiable(self) -> bool:
        """Ask for one kind of actions after the other: small questions stay quick."""
        return any(map(self._check, chain(self._documented(), [self._other()])))

    def _check(self, formula: Term) -> bool:
        solver = cvc5.Solver(self._strings.terms)
        solver.setLogic("QF_SLIA")
        solver.setOption("tlimit-per", str(TIME_LIMIT))
        solver.assertFormula(self._concerns_target())
        solver.assertFormula(formula)
        result = solver.checkSat()
        if result.isUnknown():
            raise Undecided(f"cvc5 does not know: {result.getUnknownExplanation()}")
        return bool(result.isSat())

    def _concerns_target(self) -> Term:
        target = self._problem.target
        return self._strings.all_of(
            [
                self._resource_matches(target.patterns),
                *(
                    self._keys[name].within(patterns, or_missing=or_missing)
                    for name, (patterns, or_missing) in target.keys.items()
                ),
            ]
        )

    def _resource_matches(self, patterns: Iterable[Pattern]) -> Term:
        """That the resource matches: all that concern the target start alike.

        cvc5 is asked of the rest only, since it is slow with wildcards in the part that is known.
        """
        rests = {rest for one in patterns for rest in _after(tuple(one.tokens()), self._head)}
        return self._strings.any_of(
            self._strings.matches(self._rest, rest) for rest in sorted(rests, key=repr)
        )

    def _conditions(self, bound: Bound) -> Term:
        """That a statement's resources and conditions are met."""
        strings = self._strings
        matched = self._resource_matches(bound.resources)
        return strings.all_of(
            [
                strings.no(matched) if bound.statement.excludes_resources else matched,
                *(self._keys[test.key].holds(test) for test in bound.tests),
            ]
        )

    def _documented(self) -> Iterable[Term]:
        """The documented actions: those alike in every way once."""
        target = self._problem.target
        asked = [action_pattern(text) for text in target.lower_actions]
        passing = not self._problem.same_account
        seen = set()
        for action in target.universe.actions:
            name = action.name.lower()
            if not any(p.matches(name) for p in asked) or (passing and name == "iam:passrole"):
                continue
            covered = tuple(_covers(bound, name) for bound in self._bounds)
            missing = tuple(key for key in self._keys if not action.carries(key))
            kind = (covered, missing, action.templates)
            if kind not in seen:
                seen.add(kind)
                yield self._of_action(action, covered, missing)

    def _of_action(self, action: Action, covered: Sequence[bool], missing: Iterable[str]) -> Term:
        strings = self._strings
        parts = [self._allowed([strings.terms.mkBoolean(covers) for covers in covered])]
        parts += [strings.no(self._keys[key].given) for key in missing]
        if self._problem.target.resources != (ANY_RESOURCE,):
            forms = [template_pattern(text) for text in action.templates]
            parts.append(self._resource_matches(forms))
        return strings.all_of(parts)

    def _other(self) -> Term:
        """Any action that is not documented, of the target's services."""
        target, strings = self._problem.target, self._strings
        covered = []
        for bound in self._bounds:
            matched = strings.matches_any(
                self._action, map(action_pattern, bound.statement.actions)
            )
            covered.append(strings.no(matched) if bound.statement.excludes_actions else matched)
        services = [action_pattern(f"{service}:*") for service in sorted(target.own_services)]
        literal = {
            text
            for text in chain(
                target.lower_actions, *(bound.statement.actions for bound in self._bounds)
            )
            if target.universe.knows(text)
        }
        return strings.all_of(
            [
                strings.matches_any(self._action, services),
                strings.matches_any(self._action, map(action_pattern, target.lower_actions)),
                *(strings.no(strings.equals(self._action, text)) for text in sorted(literal)),
                self._allowed(covered),
            ]
        )

    def _allowed(self, covered: Sequence[Term]) -> Term:
        """That some path allows and nothing denies, where the action covers what it covers."""
        strings = self._strings
        applies = {
            id(bound): strings.all_of([covers, self._applies[id(bound)]])
            for bound, covers in zip(self._bounds, covered, strict=True)
        }
        paths = strings.any_of(
            strings.all_of(
                strings.any_of(applies[id(bound)] for bound in layer.allows) for layer in path
            )
            for path in self._problem.paths
        )
        denied = (strings.no(applies[id(bound)]) for bound in self._problem.denies)
        return strings.all_of([paths, *denied])


def _after(tokens: Tokens, head: str) -> set[Tokens]:
    """What may follow ``head`` in a string that matches: one of these."""
    rests = {tokens}
    for character in head:
        rests = {rest for before in rests for rest in _after_one(before, character)}
    return rests


def _after_one(tokens: Tokens, character: str) -> Iterator[Tokens]:
    for place, token in enumerate(tokens):
        if isinstance(token, str):
            if character in token:
                yield tokens[place + 1 :]
            return
        if character not in token.exclude:
            yield tokens[place if isinstance(token, Star) else place + 1 :]
        if isinstance(token, AnyChar):
            return


def _covers(bound: Bound, action: str) -> bool:
    matched = any(action_pattern(text).matches(action) for text in bound.statement.actions)
    return matched != bound.statement.excludes_actions
