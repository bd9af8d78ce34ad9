"""Lets MMEngine find ``mmdualkd::`` bases in processes that have not imported mmdualkd.

MMEngine knows packages with configs from a table that mmdualkd enters when it is imported, and MMAction2's own tools
read bases before they import plugins. An install has beside the package a ``mmdualkd-bases.pth``, whose one line Python
runs at each start: it imports nothing and adds a finder that waits for MMEngine's reader of configs. Only then is this
source run, which that line holds (``setup.py`` writes it); mmdualkd is imported when a base of ours is met.
"""

import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

LINE = (
    "import sys; sys.meta_path.insert(0, type('MMDualKDBases', (), {'find_spec': staticmethod("
    "lambda name, path=None, target=None: name == 'mmengine.config.config' and "
    "(lambda room: (exec(SOURCE, room), room['watched'](name))[1])({}) or None)}))\n"
)


def watched(name: str) -> ModuleSpec | None:
    """The spec of MMEngine's reader of configs, with :func:`watch` behind its execution; the finder is gone then."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if getattr(finder, '__name__', None) != 'MMDualKDBases']
    spec = find_spec(name)
    execute = getattr(spec and spec.loader, 'exec_module', None)
    if execute:
        spec.loader.exec_module = lambda module: (execute(module), watch(module))
    return spec


def watch(module: ModuleType) -> None:
    """Lets MMEngine's reader import mmdualkd, which tells it of its configs, before it looks for one of them."""
    find = module.Config._get_cfg_path

    def find_ours(cfg_path: str, filename: str) -> tuple[str, str | None]:
        if cfg_path.startswith('mmdualkd::') and 'mmdualkd' not in sys.modules:
            import mmdualkd  # noqa: F401  (it puts a function of its own in this one's place)

            return module.Config._get_cfg_path(cfg_path, filename)
        return find(cfg_path, filename)

    module.Config._get_cfg_path = staticmethod(find_ours)
