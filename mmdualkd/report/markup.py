"""HTML that is escaped by construction: plain text becomes HTML in :func:`tag` alone."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

VOID = ('img', 'meta', 'br', 'wbr')

STYLE = """
:root { color-scheme: light dark; --ground: #fcfcfb; --ink: #1d2126; --soft: #5c6670; --line: #d8dce0; --card: #fff;
  --good: #17753d; --bad: #b3302b; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171a; --ink: #e6e9ec; --soft: #a3adb7; --line: #363d44;
  --card: #1b1f24; --good: #62c98a; --bad: #f0857d; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 76rem; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: .5rem 0; }
h3 { font-size: 1rem; margin: 1rem 0 .4rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .4rem; padding-top: .5rem; border-top: 1px solid var(--line); }
p { margin: .4rem 0; max-width: 46rem; }
.soft, figcaption { color: var(--soft); font-size: .9rem; }
.good { color: var(--good); } .bad { color: var(--bad); }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); gap: 1rem;
  align-items: start; }
figure { margin: 0; padding: .6rem; border: 1px solid var(--line); border-radius: 6px; background: var(--card); }
figure svg { display: block; width: 100%; height: auto; max-width: 34rem; }
.clips { display: grid; grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); gap: .7rem; }
.clips figure { padding: .4rem; font-size: .85rem; }
.clips img, .blank { display: block; width: 100%; height: auto; border-radius: 3px; }
.blank { aspect-ratio: 1; display: grid; place-content: center; background: #8c8c8c; color: #fff; text-align: center; }
.wide { overflow-x: auto; }
summary { cursor: pointer; color: var(--soft); }
.charts table { font-size: .85rem; }
table { border-collapse: collapse; font-size: .92rem; margin: .5rem 0; overflow-wrap: normal; }
th, td { padding: .25rem .7rem .25rem 0; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td.number { white-space: nowrap; }
code { font-size: .9em; }
footer { margin-top: 2.5rem; border-top: 1px solid var(--line); font-size: .9rem; color: var(--soft); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .5rem 0; } dd { margin: 0; }
@media (max-width: 30rem) { dl { display: block; } dt { font-weight: 600; } }
@media print { :root { color-scheme: light; --ground: #fff; --ink: #000; --soft: #444; --line: #bbb; --card: #fff;
  --good: #17753d; --bad: #b3302b; } body { max-width: none; padding: 0; font-size: 11pt; }
  figure, tr { break-inside: avoid; } h2, h3 { break-after: avoid; } .wide { overflow: visible; } }
"""
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"  # nothing is fetched, and no script runs


class Html(str):
    """Text that is HTML already."""


def tag(name: str, /, *children: Any, **attributes: Any) -> Html:
    """An element; children that are not :class:`Html` are escaped, None is left out, and so are all attributes.

    Args:
        name: Its name.
        *children: What is in it.
        **attributes: Its attributes; ``class_`` is ``class``, and ``_`` in a name is ``-``.
    """
    words = [name]
    for key, value in attributes.items():
        if value is not None:
            words.append(f'{key.rstrip("_").replace("_", "-")}="{escape(str(value))}"')
    begin = f'<{" ".join(words)}>'
    return Html(begin if name in VOID else f'{begin}{join(children)}</{name}>')


def join(children: Iterable[Any]) -> Html:
    """Children one after the other, escaped unless they are HTML."""
    return Html(''.join(part if isinstance(part, Html) else escape(str(part)) for part in children if part is not None))


def table(head: Sequence[Any], rows: Sequence[Sequence[Any]], text: int = 1) -> Html:
    """A table.

    Args:
        head: Names of the columns.
        rows: Cells; every row as long as the head.
        text: So many columns hold text; the others hold numbers, which stand to the right.
    """

    def cells(kind: str, values: Sequence[Any]) -> Html:
        made = [tag(kind, cell, class_='number' if place >= text else None) for place, cell in enumerate(values)]
        return tag('tr', *made)

    body = tag('tbody', *(cells('td', values) for values in rows))
    return tag('div', tag('table', tag('thead', cells('th', head)), body), class_='wide')


def chart(picture: Html, caption: Any = None) -> Html:
    """A picture with a caption."""
    return tag('figure', picture, tag('figcaption', caption) if caption else None)


def row(*figures: Html | None) -> Html:
    """Charts side by side where there is room."""
    return tag('div', *figures, class_='charts')


def section(title: str, *parts: Any) -> Html:
    """A part of the page under a heading."""
    return tag('section', tag('h2', title), *parts)


def facts(pairs: Iterable[tuple[str, Any]]) -> Html:
    """Names and what is said of them."""
    return tag('dl', *(part for name, value in pairs for part in (tag('dt', name), tag('dd', value))))


def code_in(text: str) -> list[str | Html]:
    """Text whose parts between backquotes are code."""
    return [tag('code', part) if place % 2 else part for place, part in enumerate(text.split('`'))]


def page(title: str, *parts: Any) -> str:
    """The whole file."""
    head = tag(
        'head',
        tag('meta', charset='utf-8'),
        tag('meta', name='viewport', content='width=device-width, initial-scale=1'),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
        tag('title', title),
        Html(f'<style>{STYLE}</style>'),
    )
    return f'<!DOCTYPE html>\n<html lang="en">{head}{tag("body", tag("h1", title), *parts)}</html>\n'
