"""A call from the API's request to its recording: real server, real AT dialogue, the owner's rules in between."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from front_door import serving

from telephony.simulator import ModemSimulator

PASSWORD = "seven grey herons waded"
NUMBER = "+79161234567"


def until(told: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Return what is told as soon as it is something."""
    end = time.monotonic() + seconds
    while not (value := told()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)
    return value


def sign_in(client: httpx.Client) -> None:
    answer = client.post("/admin/auth/login", json={"username": "olga", "password": PASSWORD})
    client.headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['access_token']}"


def connected(client: httpx.Client) -> bool:
    return any(line["connected"] for line in client.get("/admin/gsm").json()["items"])


def ended(client: httpx.Client, address: str) -> dict[str, Any] | None:
    call: dict[str, Any] = client.get(address).raise_for_status().json()
    return call if call["ended_at"] else None


async def test_a_call_is_placed_ended_listened_to_and_forgotten(tmp_path: Path) -> None:
    async with ModemSimulator() as modem:
        settings = {
            "SECRETARY_LANGUAGE": "en",
            "SECRETARY_OWNER__USERNAME": "olga",
            "SECRETARY_OWNER__PASSWORD": PASSWORD,
            "SECRETARY_TELEPHONY__AT_PORT": modem.at_port,
            "SECRETARY_TELEPHONY__AUDIO_PORT": modem.audio_port,
        }
        house = serving(tmp_path, settings)
        client, _ = await asyncio.to_thread(house.__enter__)
        try:
            await asyncio.to_thread(sign_in, client)
            await asyncio.to_thread(until, lambda: connected(client))
            watched = (await asyncio.to_thread(client.get, "/admin/monitor")).json()["lines"]
            assert [line["name"] for line in watched] == ["gsm"], "the monitor sees the lines, too"
            refused = await asyncio.to_thread(client.post, "/admin/calls", json={"to": NUMBER})
            assert refused.status_code == 409, "nobody may be called before the owner says so"

            allow = {"outgoing": {"allow": [NUMBER]}}
            policy = "/admin/gsm/gsm/policy"
            done = await asyncio.to_thread(client.put, policy, json=allow, headers={"If-Match": "*"})
            assert done.status_code == 200, done.text
            wanted = {"to": NUMBER, "purpose": "Remind of the order.", "opening": "Your order is ready."}
            placed = await asyncio.to_thread(client.post, "/admin/calls", json=wanted)
            assert placed.status_code == 202, placed.text
            call = await modem.dialled()
            assert call.number == NUMBER
            await call.pick_up()
            address = placed.headers["location"]
            await asyncio.to_thread(until, lambda: client.get(address).json()["turns"])
            assert (await asyncio.to_thread(client.post, f"{address}/end")).status_code == 204
            shown = await asyncio.to_thread(until, lambda: ended(client, address))
            assert (shown["direction"], shown["outcome"], shown["recorded"]) == ("out", "answered", True)
            assert shown["purpose"] == wanted["purpose"]
            assert "Your order is ready." in shown["turns"][0]["intended"]
            sound = await asyncio.to_thread(client.get, f"{address}/recording")
            assert (sound.status_code, sound.content[:4]) == (200, b"OggS")

            gone = await asyncio.to_thread(client.delete, f"/admin/contacts/{NUMBER}")
            assert gone.json()["calls"] == 1
            assert list((tmp_path / "data" / "recordings").rglob("*.ogg")) == []
        finally:
            await asyncio.to_thread(house.__exit__, None, None, None)
