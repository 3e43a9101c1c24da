"""What the front page shows is so."""

import re

from code_blocks import ROOT

import fsmde


def badge(name):
    left, right = re.search(r'aria-label="(.*): (.*)"', (ROOT / f'docs/assets/{name}.svg').read_text()).groups()
    assert left == name
    return right


def test_badges_are_true():
    assert badge('version') == fsmde.__version__
    assert f'## {fsmde.__version__}' in (ROOT / 'CHANGELOG.md').read_text()
    assert f'site_name = "fsmde {fsmde.__version__}"' in (ROOT / 'zensical.toml').read_text()
    low, high = re.search(r"python_requires='>=3\.(\d+),<3\.(\d+)'", (ROOT / 'setup.py').read_text()).groups()
    assert badge('python') == f'3.{low} - 3.{int(high) - 1}'
    assert badge('licence') == 'Apache-2.0' and 'Apache License' in (ROOT / 'LICENSE').read_text()[:300]


def test_every_page_is_in_the_navigation():
    pages = {str(path.relative_to(ROOT / 'docs')) for path in (ROOT / 'docs').glob('*.md')}
    pages |= {str(path.relative_to(ROOT / 'docs')) for path in (ROOT / 'docs/api').glob('*.md')}
    assert set(re.findall(r'" = "(.+\.md)" \}', (ROOT / 'zensical.toml').read_text())) == pages


def test_the_front_page_is_short_and_its_pictures_are_light():
    assert len((ROOT / 'README.md').read_text().splitlines()) <= 120
    assert (ROOT / 'docs/images/front.webp').stat().st_size < 1.5e6
    assert sum(path.stat().st_size for path in (ROOT / 'docs/images').iterdir()) < 3e6
