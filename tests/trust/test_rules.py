"""Every source file, read for what must not be in it: tests/trust/rules.py."""

import ast

import pytest

from tests.trust.rules import ROOT, RULES, files, nodes

WRONG = [(name, line) for name, rule in RULES.items() for line in rule.wrong]
RIGHT = [(name, line) for name, rule in RULES.items() for line in rule.right]


@pytest.mark.campaign("rules")
def test_no_source_file_has_in_it_what_must_not_be(counted):
    found, needed = [], set()
    for file in files():
        name = str(file.relative_to(ROOT))
        for node in nodes(ast.parse(file.read_bytes())):
            for what in broken(node):
                if name in RULES[what].allowed:
                    needed.add((what, name))
                else:
                    found.append(f"{name}:{node.lineno}: {what}")
    assert not found
    assert needed == {(what, name) for what, rule in RULES.items() for name in rule.allowed}
    counted(len(files()))


def broken(*nodes: ast.AST) -> set[str]:
    """The rules that are broken by one of these."""
    return {what for what, rule in RULES.items() for node in nodes if rule.breaks(node)}


@pytest.mark.parametrize(("name", "line"), WRONG)
def test_a_line_that_breaks_a_rule_is_found(name, line):
    assert broken(*nodes(ast.parse(line))) == {name}


@pytest.mark.parametrize(("name", "line"), RIGHT)
def test_a_line_that_only_looks_like_it_is_not(name, line):
    assert name not in broken(*nodes(ast.parse(line)))
