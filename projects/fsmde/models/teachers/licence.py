"""Licences of teachers' weights: what a student learns from may not be used for everything."""

import re
from pathlib import Path

#: "CC-BY-NC-4.0", "cc by nc", "non-commercial", "research-only", "academic use", "apple-amlr" (Apple's for research), ...
_NON_COMMERCIAL = re.compile(r'\bnc\b|non.?commercial|research|academic|\bamlr\b', re.IGNORECASE)
#: Stands in a text of several licences for those that are not known.
NOT_KNOWN = 'one that is not known'


def is_non_commercial(licence: str) -> bool:
    """Whether a licence says that it is not for commercial use. None, which is not known, does not say so."""
    return bool(licence and _NON_COMMERCIAL.search(re.sub('[-_]', ' ', licence)))


def joined(licences) -> str:
    """Several licences as one text, each once, and :data:`NOT_KNOWN` for None; None if none of them is known."""
    licences = list(licences)
    known = list(dict.fromkeys(filter(None, licences)))
    return (
        ' and '.join([*known, *[NOT_KNOWN] * (None in licences and NOT_KNOWN not in ' '.join(known))])
        if known
        else None
    )


def is_known(licence: str) -> bool:
    """Whether a licence is stated, of several each."""
    return bool(licence) and NOT_KNOWN not in licence


def licence_in_card(folder) -> str:
    """The ``license`` that the model card README.md in a folder states on its first lines, as the hub reads it, or None."""
    try:
        text = (Path(folder) / 'README.md').read_text(encoding='utf-8')
    except (OSError, UnicodeDecodeError):
        return None
    front = re.match(r'---\n(.*?)\n---\n', text, re.DOTALL)
    found = front and re.search(r'^license:[ \t]*["\']?([\w.+-]+)', front[1], re.MULTILINE)
    return found[1] if found else None
