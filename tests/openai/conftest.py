"""A served installation with a language model over the wire, without speech; and one with speech, without a model."""

from collections.abc import Iterator

import openai
import pytest
from served_house import OWNER, ServedHouse, served_house


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedHouse]:
    with served_house(tmp_path_factory.mktemp("house"), with_model=True, speech=False) as opened:
        yield opened


@pytest.fixture(scope="session")
def speaking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedHouse]:
    with served_house(tmp_path_factory.mktemp("speaking"), with_model=False) as opened:
        yield opened


@pytest.fixture
def client(house: ServedHouse) -> Iterator[openai.OpenAI]:
    """The official client, as a program configures it."""
    house.model.answers.clear()
    house.model.requests.clear()
    house.loop.call_soon_threadsafe(house.model.left.clear)
    house.loop.call_soon_threadsafe(house.model.asked.clear)
    with openai.OpenAI(base_url=f"{house.url}/v1", api_key=house.keys[OWNER], max_retries=0) as opened:
        yield opened


@pytest.fixture
def voice(speaking: ServedHouse) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{speaking.url}/v1", api_key=speaking.keys[OWNER], max_retries=0) as opened:
        yield opened
