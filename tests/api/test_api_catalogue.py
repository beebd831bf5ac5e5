"""What the installation has, from the real server: voices, engines, parts, settings."""

from collections.abc import Iterator

import httpx
import pytest
from front_door import serving

OWNER = {"username": "olga", "password": "seven grey herons waded"}


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    given = {"SECRETARY_OWNER__USERNAME": OWNER["username"], "SECRETARY_OWNER__PASSWORD": OWNER["password"]}
    with serving(tmp_path_factory.mktemp("house"), given) as (client, _):
        token = client.post("/admin/auth/login", json=OWNER).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


def test_engines_are_listed_with_licence_languages_and_remedy(owner: httpx.Client) -> None:
    models = owner.get("/admin/models").json()["items"]
    assert {each["kind"] for each in models} == {"stt", "tts", "llm"}
    assert all(each["licence"] for each in models)
    for each in models:
        assert each["usable"] == bool(each["languages"])
        assert each["usable"] or each["remedy"], each["name"]
    ears = owner.get("/admin/stt").json()["items"]
    assert ears == [each for each in models if each["kind"] == "stt"]


def test_voices_are_listed_as_personas_name_them(owner: httpx.Client) -> None:
    voices = owner.get("/admin/voices").json()["items"]
    assert all(each["id"] == f"{each['engine']}:{each['name']}" for each in voices)
    assert owner.patch("/admin/personas/anna", json={"voice": voices[0]["id"]}).status_code == 200


def test_parts_are_those_of_readyz(owner: httpx.Client) -> None:
    parts = owner.get("/admin/services").json()["items"]
    assert [each["name"] for each in parts] == [each["name"] for each in owner.get("/readyz").json()["parts"]]
    assert [each["state"] for each in parts if each["name"] == "audit"] == ["ready"]


def test_settings_tell_no_secret(owner: httpx.Client) -> None:
    answer = owner.get("/admin/settings")
    settings = {each["name"]: each for each in answer.json()["items"]}
    assert settings["SECRETARY_OWNER__USERNAME"]["value"] == OWNER["username"]
    assert settings["SECRETARY_OWNER__PASSWORD"]["value"] == "set"
    assert settings["SECRETARY_LLM__API_KEY"]["value"] == "not set"
    assert settings["SECRETARY_DATABASE_URL"]["value"] == "not set"
    assert settings["SECRETARY_PORT"]["default"] == "8002"
    assert OWNER["password"] not in answer.text


def test_the_faq_of_the_house_is_searched(owner: httpx.Client) -> None:
    entry = owner.get("/admin/faq?limit=1&language=ru").json()["items"][0]
    found = owner.post("/admin/faq/search", json={"query": entry["question"]}).json()["items"]
    assert found[0]["id"] == entry["id"]


def test_the_document_names_what_they_answer(owner: httpx.Client) -> None:
    paths = owner.get("/openapi.json").json()["paths"]
    expected = {"200", "401", "403", "404", "412", "422", "503"}
    for path in ("/admin/personas/{slug}", "/admin/faq/{entry_id}", "/admin/llm/presets/{preset_id}"):
        assert expected <= set(paths[path]["patch"]["responses"])
    placed = paths["/admin/calls"]["post"]
    assert "Idempotency-Key" in [each["name"] for each in placed["parameters"]]
