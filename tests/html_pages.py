"""What tests ask of a page."""

import re
from html.parser import HTMLParser
from pathlib import Path


class Page(HTMLParser):
    """A page that was read: its elements, its text, and that it opens without a network and runs nothing."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.words: list[str] = []
        self.source = path.read_text(encoding='utf-8')
        self.feed(self.source)
        self.text = ' '.join(' '.join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    def of(self, tag: str) -> list[dict]:
        """Attributes of all elements of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]

    def check(self) -> None:
        """Nothing is fetched, nothing runs, identifiers are single and lead somewhere, pictures have words."""
        assert len(self.source.encode()) < 3_000_000
        assert not self.of('script') + self.of('link') + self.of('iframe') + self.of('object')
        ids = [attributes['id'] for _, attributes in self.elements if 'id' in attributes]
        assert len(set(ids)) == len(ids)
        for name, attributes in self.elements:
            assert not [key for key in attributes if key.startswith('on')], name
            for key in {'src', 'href', 'xlink:href', 'srcset'} & set(attributes):
                value = attributes[key]
                if name == 'a':
                    assert value.startswith('https://')
                else:
                    assert value.startswith('data:image/') or value.removeprefix('#') in ids, (name, value)
        for target in re.findall(r'url\(([^)]*)\)', self.source):
            assert target.removeprefix('#') in ids
        assert '@import' not in self.source
        assert all(attributes.get('alt') for attributes in self.of('img'))
        assert self.source.count('role="img"><title>') == len(self.of('svg'))
        assert re.search('name="viewport"', self.source) and 'prefers-color-scheme: dark' in self.source
