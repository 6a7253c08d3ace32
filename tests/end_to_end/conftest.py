"""A trained model and the place where the processes run."""

from pathlib import Path

import pytest

from deploy.embedded.broker import Broker
from tests.service import Place
from tests.toy_model import toy_artefact


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy model as an artefact folder."""
    folder = tmp_path_factory.mktemp("model") / "toy"
    toy_artefact().save(folder)
    return folder


@pytest.fixture
def place(broker: Broker, redis_url: str, model_folder: Path, tmp_path: Path) -> Place:
    """The shared broker and Redis."""
    return Place(broker.address, redis_url, model_folder, tmp_path)
