"""What the pages and docstrings of this project hold that Markdown does not know, for ``make docs``.

Roles of docstrings, such as a class with a colon on either side, become code; ``$$ formula $$`` becomes MathML, which browsers
draw without a script.
"""

from latex2mathml.converter import convert
from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor


class _Role(InlineProcessor):
    """``:class:`~a.b.C` `` as the code ``C``."""

    def handleMatch(self, match, data):  # noqa: N802
        name = match.group(1)
        name = name.split('.')[-1] if name.startswith('~') else name
        return self.md.htmlStash.store(f'<code>{name}</code>'), match.start(0), match.end(0)


class _Formula(InlineProcessor):
    def handleMatch(self, match, data):  # noqa: N802
        return self.md.htmlStash.store(convert(match.group(1), display='block')), match.start(0), match.end(0)


class SiteMarkdown(Extension):
    def extendMarkdown(self, md):  # noqa: N802
        # Before code (190) and escapes (180), which would take what is between the signs.
        md.inlinePatterns.register(_Role(r':(?:attr|class|data|func|meth|mod):`([^`]+)`', md), 'role', 195)
        md.inlinePatterns.register(_Formula(r'\$\$(.+?)\$\$', md), 'formula', 195)


def makeExtension(**options):  # noqa: N802
    return SiteMarkdown(**options)
