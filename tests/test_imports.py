"""Imports run one way: no circle of modules, and none of packages."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import mmdualkd

ROOT = Path(mmdualkd.__file__).parent


def imported():
    """Yields each module's parts below the package, and those of what it imports of the package, lazily or not."""
    for file in ROOT.rglob('*.py'):
        parts = file.relative_to(ROOT).with_suffix('').parts
        if parts[0] == '.mim':
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding='utf-8'))):
            if isinstance(node, ast.ImportFrom) and node.level:
                at = (*parts[: len(parts) - node.level], *(node.module or '').split('.'))
                at = tuple(part for part in at if part)
                for alias in node.names:  # a module of that package, else what the module itself holds
                    of_package = (ROOT.joinpath(*at, alias.name).with_suffix('.py')).exists()
                    yield parts, (*at, alias.name) if of_package else at


def module(parts):
    return '.'.join(part for part in parts if part != '__init__')


def package(parts):
    return '' if parts[0] == '__init__' else parts[0]  # a module beside the packages stands for itself


@pytest.mark.parametrize('of', [module, package])
def test_imports_run_one_way(of):
    edges = {(of(importer), of(target)) for importer, target in imported() if target}
    edges = [(one, other) for one, other in edges if one != other]
    assert len(edges) > 100
    sorter = TopologicalSorter()
    for edge in edges:
        sorter.add(*edge)
    sorter.prepare()  # CycleError names a circle
