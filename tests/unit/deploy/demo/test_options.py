"""The demo's options."""

import pytest

from deploy.demo.options import DemoOptions
from model.errors import ConfigurationError


def test_nothing_set_gives_the_defaults():
    """An empty environment is a minute of streaming, and an end."""
    assert DemoOptions.from_environment({"DEMO_KEEP": ""}) == DemoOptions(seconds=60, keep=False)


def test_variables_are_read():
    """Each variable has its effect."""
    given = {"DEMO_SECONDS": "30", "DEMO_KEEP": "1", "DEMO_SEED": "3"}

    assert DemoOptions.from_environment(given) == DemoOptions(seconds=30, keep=True, seed=3)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEMO_SECONDS", "soon"),
        ("DEMO_SECONDS", "14"),
        ("DEMO_SECONDS", "3601"),
        ("DEMO_KEEP", "yes"),
        ("DEMO_SEED", "-"),
    ],
)
def test_a_wrong_value_is_refused_by_name(name, value):
    """The error names the variable."""
    with pytest.raises(ConfigurationError, match=name):
        DemoOptions.from_environment({name: value})
