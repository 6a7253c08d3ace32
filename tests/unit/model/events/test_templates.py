"""Templates: exact first, then by tokens."""

import json

import pytest

from model.errors import ModelError
from model.events.identity import event_id
from model.events.templates import Template, Templates


def template(text: str, *forms: str) -> Template:
    """Make a template of its text."""
    return Template(event_id(text), text, 1, text, forms)


def test_a_wildcard_token_stands_for_any_one_token():
    """A template with ``<*>`` matches where the other tokens are equal, and nowhere else."""
    wanted = template("login of <*> refused")
    templates = Templates([wanted])

    assert wanted == templates.match(b"login of alice refused")
    assert templates.match(b"login of alice b refused") is None
    assert templates.match(b"logout of alice refused") is None


def test_an_exact_text_wins_over_a_wildcard():
    """The most literal template is chosen, in whatever order they come."""
    exact, loose = template("login of root refused"), template("login of <*> refused")

    for templates in (Templates([exact, loose]), Templates([loose, exact])):
        assert exact == templates.match(b"login of root refused")


def test_a_dead_end_of_the_literal_branch_is_left_again():
    """A literal token that leads nowhere does not hide the wildcard beside it."""
    loose = template("from <*> to dusk")
    templates = Templates([template("from dawn to noon"), loose])

    assert loose == templates.match(b"from dawn to dusk")


def test_a_value_after_an_equals_sign_is_a_token():
    """Named values vary without their names."""
    wanted = template("tag=<*>, pid=<*>")

    assert wanted == Templates([wanted]).match(b"tag=sync, pid=0")


def test_a_form_leads_to_its_template():
    """Another length of the same message has the template's event ID."""
    wanted = template("peer <*> left", "peer <*> and <*> left")

    assert wanted == Templates([wanted]).match(b"peer 0 and 0 left")


def test_templates_survive_json():
    """What is written to the model is what is read from it."""
    templates = Templates([template("b <*>", "b <*> c"), template("a")])
    again = Templates.from_json(json.loads(json.dumps(templates.to_json())))

    assert list(templates) == list(again)
    assert [each.text for each in again] == ["a", "b <*>"]


@pytest.mark.parametrize(
    "value", [None, 1, {"text": "a"}, [{"text": "a"}], [{"text": 1, "count": 1, "sample": ""}], ["a"]]
)
def test_broken_templates_are_refused(value):
    """A model whose templates cannot be read says so."""
    with pytest.raises(ModelError, match="Train the model again"):
        Templates.from_json(value)
