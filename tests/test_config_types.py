"""However a config names a class, it is the same name."""

import pytest

from fsmde.config_types import type_name
from fsmde.datasets import ResizeViews


@pytest.mark.parametrize(
    'kind', [ResizeViews, 'ResizeViews', 'mmdet3d.ResizeViews', 'fsmde.datasets.transforms.ResizeViews']
)
def test_every_way_of_naming_a_class(kind):
    assert type_name(dict(type=kind)) == 'ResizeViews'


def test_a_config_that_names_none():
    assert type_name({}) == type_name(dict(type=None)) == ''
