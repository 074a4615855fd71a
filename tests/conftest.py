"""What holds for all tests."""

import pytest

from avtools import errors


@pytest.fixture(autouse=True)
def the_usual_voice():
    """What a test lets the tools say is not said in the next one."""
    before = dict(errors.speaker)
    yield
    errors.speaker.update(before)
