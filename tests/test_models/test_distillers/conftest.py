import pytest
from toy_scene import make_scene


@pytest.fixture
def scene():
    return make_scene()
