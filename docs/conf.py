"""The site that `make docs` builds.

Sphinx, because the docstrings are written for it: their roles and `.. math::` stay as they are. The sources are the
Markdown files that a git host shows, in their places; what Sphinx wants beyond them is added while they are read: the
navigation, from the lists of links in a page of contents, and a class's docstring, where a line has nothing but a link
named for the class. Formulas become MathML, which browsers draw themselves: no script, no network.
"""

import re
import shutil
from pathlib import Path

import latex2mathml.converter
from docutils import nodes
from sphinx.application import Sphinx

from mmdualkd.version import __version__

project, version = 'mmdualkd', __version__
extensions = ['myst_nb', 'sphinx.ext.apidoc', 'sphinx.ext.autodoc', 'sphinx.ext.napoleon']
root_doc = 'docs/index'
include_patterns = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'configs/README.md', 'docs/**']
exclude_patterns = ['.*', 'work_dirs', 'data', 'site', 'build', 'dist', 'docs/api/modules.rst']

html_theme, html_title = 'furo', f'mmdualkd {version}'
html_copy_source = html_show_copyright = html_show_sphinx = False
html_math_renderer = 'mathml'
myst_heading_anchors = 4
nb_execution_mode = 'off'  # `make notebook` runs it; its outputs are stored
nb_merge_streams = True

apidoc_modules = [dict(path='../mmdualkd', destination='docs/api', max_depth=1)]
autodoc_member_order = 'bysource'
autodoc_typehints = 'description'
autodoc_typehints_description_target = 'documented'
napoleon_use_ivar = True
nitpicky = True
nitpick_ignore_regex = [('py:.*', r'(?!mmdualkd).*'), ('py:.*', r'mmdualkd\..*\._\w+')]  # other packages', private ones

CONTENTS = {'docs/index', 'docs/methods/README', 'docs/api'}
ENTRY = re.compile(r'^- \[(.*?)\]\((?!http)([^)#]+)\)', re.M)
DOCSTRING = re.compile(r'^\[`(mmdualkd\.[\w.]+)`\]\(\S+\)$', re.M)
PACKAGE = re.compile(r'\.\./(mmdualkd(?:/\w+)?)/__init__\.py')
WORD = re.compile(r'(?<![\\A-Za-z{])(?:[A-Za-z]{3,}|KL|CE)(?![A-Za-z}])')


def add_what_sphinx_wants(app: Sphinx, name: str, source: list[str]) -> None:
    """Adds navigation and docstrings to a page that is being read."""
    text = DOCSTRING.sub('```{eval-rst}\n.. autoclass:: \\1\n   :no-index:\n```', source[0])
    if name in CONTENTS:
        text = PACKAGE.sub(lambda found: f'api/{found[1].replace("/", ".")}.rst', text)
        text = ''.join(part + navigation(part) for part in re.split(r'^(?=## )', text, flags=re.M))
    source[0] = text


def navigation(section: str) -> str:
    """What makes a section's list of links a part of the navigation; nothing where there is no list."""
    caption = section.partition('\n')[0].removeprefix('## ')
    pages = [f'{title} <{page}>' for title, page in ENTRY.findall(section)]
    return '\n'.join(['', '```{toctree}', ':hidden:', f':caption: {caption}', '', *pages, '```', '']) if pages else ''


def find_bare_name(app: Sphinx, env: object, node: nodes.Element, content: nodes.Element) -> nodes.Element | None:
    """Resolves ``:class:`Name``` of another module, where one module alone has that name."""
    domain, wanted = env.domains['py'], node.get('reftarget', '').lstrip('.')
    if node.get('refdomain') != 'py' or not wanted:
        return None
    places = [place for name, place in domain.objects.items() if name.endswith(f'.{wanted}')]
    if len(places) != 1:
        return None
    page = app.builder.get_relative_uri(node['refdoc'], places[0].docname)
    return nodes.reference('', '', content, refuri=f'{page}#{places[0].node_id}', internal=True)


def mathml(formula: str, display: str) -> str:
    """A formula as browsers draw it; words such as softmax stand upright."""
    return latex2mathml.converter.convert(WORD.sub(r'\\mathrm{\g<0>}', formula), display=display)


def draw_inline(writer: object, node: nodes.Element) -> None:
    """Writes a formula within a sentence."""
    writer.body.append(mathml(node.astext(), 'inline'))
    raise nodes.SkipNode


def draw_block(writer: object, node: nodes.Element) -> None:
    """Writes a formula on a line of its own; what `\\quad` divides in a long one, on several."""
    formula = ' '.join(node.astext().split())
    lines = formula.split(r'\quad') if len(formula) > 110 else [formula]
    for line in lines:
        style = 'overflow-x: auto; overflow-y: hidden; padding: 0.4em 0'
        writer.body.append(f'<div style="{style}">{mathml(line.strip().rstrip(","), "block")}</div>')
    raise nodes.SkipNode


def finish(app: Sphinx, error: Exception | None) -> None:
    """Leads from the site's root to the contents, and removes the copies of notebooks that myst_nb leaves beside it."""
    shutil.rmtree(Path(app.outdir).parent / 'jupyter_execute', ignore_errors=True)
    if error is None:
        shutil.copy(Path(__file__).with_name('front.html'), Path(app.outdir) / 'index.html')


def setup(app: Sphinx) -> None:
    app.add_html_math_renderer('mathml', (draw_inline, None), (draw_block, None))
    app.connect('source-read', add_what_sphinx_wants)
    app.connect('missing-reference', find_bare_name)
    app.connect('build-finished', finish)
