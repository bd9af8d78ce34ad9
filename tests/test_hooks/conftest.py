"""Jobs in this process are quick: MMEngine formats the whole config's text anew for every checkpoint, for a second."""

import pytest
from mmengine.config import Config


@pytest.fixture(autouse=True)
def plain_config_text(monkeypatch):
    monkeypatch.setattr(Config, 'pretty_text', property(lambda self: repr(self._cfg_dict)))
