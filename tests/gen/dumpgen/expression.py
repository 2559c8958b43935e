"""Numbers of a description: 0x10, 4K, 2^63-1, file_size+8, at(desc[3].offset)."""

import ast
import operator
import re

from . import DescriptionError

OPERATORS = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv, ast.Pow: operator.pow, ast.BitOr: operator.or_,
    ast.LShift: operator.lshift, ast.RShift: operator.rshift,
}
SUFFIX = re.compile(r"\b(0x[0-9a-fA-F]+|\d+)([KMGT])\b")


def evaluate(text, names=None, places=None):
    """The value of an expression; names maps a field to its value, places to its offset."""
    plain = SUFFIX.sub(lambda m: f"({m[1]}*{1024 ** (1 + 'KMGT'.index(m[2]))})", text)
    try:
        tree = ast.parse(plain.replace("^", "**").strip(), mode="eval").body
    except SyntaxError:
        raise DescriptionError(f"not a number: {text!r}") from None
    return compute(tree, text, names, places)


def compute(node, text, names, places):
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -compute(node.operand, text, names, places)
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        left = compute(node.left, text, names, places)
        return OPERATORS[type(node.op)](left, compute(node.right, text, names, places))
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "at" and places:
        return places(ast.unparse(node.args[0]))
    if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)) and names:
        return names(ast.unparse(node))
    raise DescriptionError(f"not a number: {text!r}")


def evaluate_range(text):
    """START..END (END exclusive) as a pair."""
    start, dots, end = text.partition("..")
    if not dots:
        raise DescriptionError(f"not a range START..END: {text!r}")
    pair = evaluate(start), evaluate(end)
    if pair[0] > pair[1]:
        raise DescriptionError(f"range ends before it starts: {text!r}")
    return pair
