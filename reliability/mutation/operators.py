"""The small faults that are put into a module, one at a time: its mutants.

Each is a change that a person could have typed: a condition that always or never holds, a bound moved by one, a check left
out, an argument dropped or swapped, a part of a signed or hashed value missing, another label. The operators are those of
cosmic-ray and mutmut, without changes that every test sees (`return None`) and with more that omit a rule.

Not changed: words for people (every text inside `raise` or of an error that is made, and the names that checks put into their
messages), annotations and types, decorators, imports and docstrings.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from types import CodeType

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
}
_SYMMETRIC = {"max", "min", "isinstance", "TypeVar", "compare_digest"}  # their swapped arguments say the same, or nothing
_WORDING = {
    "_malformed",
    "_bad",
    "_refuse",
    "_check_length",
    "_bad_signature",
    "_decode_base64",
    "TypeVar",
}  # and all of `shapes`: their texts are for people
_ERRORS = {"Malformed", "BadSignature", "BadProof", "WrongParty", "Rollback", "Fork", "Contradiction"}  # some are raised later
_LEFT_ALONE = {"annotation", "returns", "decorator_list", "ctx", "type_comment"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault. module: of core, without package. where: the qualified name of the function or class, "" for the module.

    before, after: the changed piece of code, in the one form that Python gives it. nth: which of several equal ones in that
    place, from 0; so a mutant keeps its name while lines move. line: where it stands now, and no part of its name.
    around: a hash of the whole function or statement it stands in, to see whether that has changed.
    """

    module: str
    where: str
    operator: str
    before: str
    after: str
    nth: int
    line: int
    around: str

    @property
    def key(self) -> tuple[str, str, str, str, int]:
        """What names the mutant within its module."""
        return self.where, self.operator, self.before, self.after, self.nth

    def __str__(self) -> str:
        place = f"{self.module}.py:{self.line} {self.where}".rstrip()
        return f"{place}: {self.operator}: {_short(self.before)} -> {_short(self.after)}"


@dataclass(frozen=True, slots=True)
class Change:
    """A mutant and how it is made: in the tree, the `field` of `holder` (its element at `index`) becomes `new`."""

    mutant: Mutant
    tree: ast.Module
    holder: ast.AST
    field: str
    index: int | None
    new: ast.AST

    def compiled(self, filename: str) -> CodeType:
        """The whole module with this one fault in it."""
        before = getattr(self.holder, self.field)
        if self.index is None:
            setattr(self.holder, self.field, self.new)
        else:
            setattr(self.holder, self.field, [*before[: self.index], self.new, *before[self.index + 1 :]])
        try:
            return compile(ast.fix_missing_locations(self.tree), filename, "exec", dont_inherit=True)
        finally:
            setattr(self.holder, self.field, before)


def changes(module: str, source: str) -> list[Change]:
    """Every fault that the operators can put into this source, in its order."""
    tree = ast.parse(source)
    found: list[Change] = []
    seen: dict[tuple[str, str, str, str], int] = {}
    for place, holder, field, index, node in _walk(tree, _Place()):
        for operator, new in _faults(node, holder, field, place):
            before, after = ast.unparse(node), ast.unparse(ast.fix_missing_locations(ast.copy_location(new, node)))
            if before == after:
                continue
            name = (place.where, operator, before, after)
            nth = seen[name] = seen.get(name, -1) + 1
            mutant = Mutant(module, *name, nth, getattr(node, "lineno", 0), place.around)
            found.append(Change(mutant, tree, holder, field, index, new))
    return found


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the module a node stands. wording: inside the words of a refusal. around: as in `Mutant`."""

    where: str = ""
    wording: bool = False
    around: str = ""

    def inside(self, node: ast.AST) -> _Place:
        if isinstance(node, ast.ClassDef):
            return _Place(f"{self.where}.{node.name}".lstrip("."))
        if isinstance(node, ast.FunctionDef):
            wording = node.name in _WORDING or node.name.startswith("_fault")
            return _Place(f"{self.where}.{node.name}".lstrip("."), wording, self.around or _hash(node))
        if isinstance(node, ast.stmt) and not self.around:
            return replace(self, around=_hash(node)).inside(node)
        if isinstance(node, ast.Raise) or (isinstance(node, ast.Call) and _is_wording(node.func)):
            return replace(self, wording=True)
        return self


def _hash(node: ast.AST) -> str:
    return sha256(ast.unparse(node).encode()).hexdigest()[:16]


_Site = tuple[_Place, ast.AST, str, int | None, ast.AST]


def _walk(holder: ast.AST, place: _Place) -> Iterator[_Site]:
    for field, value in ast.iter_fields(holder):
        if field in _LEFT_ALONE:
            continue
        for index, node in enumerate(value) if isinstance(value, list) else ((None, value),):
            if not isinstance(node, ast.AST) or _is_left_alone(node, place):
                continue
            inner = place.inside(node)
            yield inner, holder, field, index, node
            yield from _walk(node, inner)


def _is_left_alone(node: ast.AST, place: _Place) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Constant):
        return place.wording and isinstance(node.value, str)
    if isinstance(node, ast.Subscript):
        return isinstance(node.value, ast.Name) and node.value.id == "Literal"  # a type that has a name: no code
    worded = place.wording and isinstance(node, ast.JoinedStr | ast.IfExp)
    return worded or isinstance(node, ast.Import | ast.ImportFrom | ast.Assert)


def _is_wording(function: ast.expr) -> bool:
    if isinstance(function, ast.Attribute):
        return isinstance(function.value, ast.Name) and function.value.id == "shapes"
    return isinstance(function, ast.Name) and function.id in _WORDING | _ERRORS


_Faults = Iterator[tuple[str, ast.AST]]


def _faults(node: ast.AST, holder: ast.AST, field: str, place: _Place) -> _Faults:
    yield from _expression_faults(node, holder, place)
    yield from _statement_faults(node, holder)
    is_condition = field == "test" and isinstance(holder, ast.If | ast.IfExp | ast.While)
    if is_condition or (field == "ifs" and isinstance(holder, ast.comprehension)):
        if not isinstance(holder, ast.While):
            yield "condition always holds", ast.Constant(True)
        yield "condition never holds", ast.Constant(False)


def _expression_faults(node: ast.AST, holder: ast.AST, place: _Place) -> _Faults:
    match node:
        case ast.Compare():
            yield from _comparison_faults(node)
        case ast.BoolOp():
            other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield "and/or", ast.BoolOp(other, node.values)
            for index in range(len(node.values)):
                left = [*node.values[:index], *node.values[index + 1 :]]
                yield "condition dropped", left[0] if len(left) == 1 else ast.BoolOp(node.op, left)
        case ast.BinOp():
            yield from _sum_faults(node)
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert()):
            yield "sign dropped", node.operand
        case ast.Constant():
            yield from _constant_faults(node, holder, place)
        case ast.Call():
            yield from _call_faults(node, place)
        case ast.List(ctx=ast.Load()) | ast.Tuple(ctx=ast.Load()) | ast.Set():
            yield from _display_faults(node, holder)
        case ast.Slice():
            for bound in ("lower", "upper", "step"):
                if getattr(node, bound) is not None:
                    yield "slice bound dropped", _with(node, bound, None)
        case _:
            pass


def _comparison_faults(node: ast.Compare) -> _Faults:
    for index, operator in enumerate(node.ops):
        for other in _COMPARISONS[type(operator)]:
            yield "comparison", _with(node, "ops", [*node.ops[:index], other(), *node.ops[index + 1 :]])


def _sum_faults(node: ast.BinOp) -> _Faults:
    if isinstance(node.op, ast.Add):
        yield "part of a sum dropped", node.left
        yield "part of a sum dropped", node.right
        return
    if type(node.op) in _ARITHMETIC:
        yield "arithmetic", ast.BinOp(node.left, _ARITHMETIC[type(node.op)](), node.right)


def _constant_faults(node: ast.Constant, holder: ast.AST, place: _Place) -> _Faults:
    value = node.value
    if isinstance(value, bool):
        if not isinstance(holder, ast.keyword):  # there, to drop it says the same
            yield "constant", ast.Constant(not value)
    elif isinstance(value, int):
        yield "constant", ast.Constant(value + 1)
        if value > 0 and not place.wording:  # in a refusal, it is the rule's number: one other says enough
            yield "constant", ast.Constant(value - 1)
    elif isinstance(value, bytes):
        yield "constant", ast.Constant(value + b"x")
    elif isinstance(value, str):
        yield "constant", ast.Constant(value + "x")


def _call_faults(node: ast.Call, place: _Place) -> _Faults:
    if not place.wording or _is_shape(node.func):
        for index in range(len(node.keywords)):
            yield "argument dropped", _with(node, "keywords", [*node.keywords[:index], *node.keywords[index + 1 :]])
    if place.wording or ast.unparse(node.func).rpartition(".")[2] in _SYMMETRIC:
        return
    for index in range(len(node.args) - 1):
        first, second = node.args[index : index + 2]
        if not isinstance(first, ast.Starred) and not isinstance(second, ast.Starred):
            yield "arguments swapped", _with(node, "args", [*node.args[:index], second, first, *node.args[index + 2 :]])


def _is_shape(function: ast.expr) -> bool:
    return isinstance(function, ast.Attribute) and _is_wording(function)


def _display_faults(node: ast.List | ast.Tuple | ast.Set, holder: ast.AST) -> _Faults:
    """Elements of what is encoded, passed on or compared with; not of tables, which are data."""
    if not isinstance(holder, ast.Call | ast.Compare) or len(node.elts) < 2:
        return
    for index in range(len(node.elts)):
        yield "element dropped", _with(node, "elts", [*node.elts[:index], *node.elts[index + 1 :]])


def _statement_faults(node: ast.AST, holder: ast.AST) -> _Faults:
    match node:
        case ast.Expr(value=ast.Call()):
            yield "statement dropped", ast.Pass()
        case ast.AugAssign():
            yield "statement dropped", ast.Pass()
            other = _ARITHMETIC.get(type(node.op), ast.Sub)
            if isinstance(node.value, ast.Constant) or not isinstance(node.op, ast.Add):
                yield "arithmetic", _with(node, "op", other())
        case ast.Raise():
            if not (isinstance(holder, ast.If) and len(holder.body) == 1):  # else the condition that never holds says the same
                yield "statement dropped", ast.Pass()
        case ast.Break():
            yield "break/continue", ast.Continue()
        case ast.Continue():
            yield "break/continue", ast.Break()
        case ast.For():
            yield "loop without turns", _with(node, "iter", ast.Tuple([], ast.Load()))
        case ast.ExceptHandler():
            yield from _handler_faults(node)
        case _:
            pass


def _handler_faults(node: ast.ExceptHandler) -> _Faults:
    caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    for index in range(len(caught)):
        fewer = ast.Tuple([each for each in (*caught[:index], *caught[index + 1 :]) if each is not None], ast.Load())
        yield "exception not caught", _with(node, "type", fewer)


def _with(node: ast.AST, field: str, value: object) -> ast.AST:
    changed = copy.copy(node)
    setattr(changed, field, value)
    return changed


def _short(code: str) -> str:
    line = " ".join(code.split())
    return line if len(line) <= 90 else line[:87] + "..."
