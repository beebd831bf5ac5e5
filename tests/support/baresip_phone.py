"""A real SIP telephone for tests: baresip (Debian: baresip-core), told what to do over its control port."""

import asyncio
import json
import shutil
import wave
from pathlib import Path
from typing import Any

import numpy as np

PROGRAM = shutil.which("baresip")
MODULES = next(iter(Path("/usr/lib").glob("**/baresip/modules")), None) if PROGRAM else None
PATIENCE = 10.0


class Baresip:
    """One telephone. It says a tone of `tone` Hz into every call and records what it hears (`heard`)."""

    def __init__(self, folder: Path, port: int, control: int, *, tone: int = 1000, answers: str = "auto") -> None:
        self.uri = f"peer@127.0.0.1:{port}"
        self.events: list[dict[str, Any]] = []
        self._folder, self._port, self._control, self._tone, self._answers = folder, port, control, tone, answers
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    async def start(self) -> None:
        folder = self._folder
        time = np.arange(8000 * 20) / 8000
        with wave.open(str(folder / "tone.wav"), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes((np.sin(2 * np.pi * self._tone * time) * 10_000).astype("<i2").tobytes())
        settings = {
            "poll_method": "epoll",
            "sip_listen": f"127.0.0.1:{self._port}",
            "call_local_timeout": 120,
            "call_max_calls": 4,
            "module_path": MODULES,
            "ctrl_tcp_listen": f"127.0.0.1:{self._control}",
            "audio_source": f"aufile,{folder}/tone.wav",
            "audio_player": f"aufile,{folder}/play.wav",
            "audio_alert": f"aufile,{folder}/alert.wav",
            "ausrc_srate": 8000,
            "auplay_srate": 8000,
            "snd_path": folder,
            "rtp_ports": "20000-20100",
        }
        modules = ["module g711.so", "module aufile.so", "module sndfile.so"]
        modules += ["module_tmp uuid.so", "module_tmp account.so", "module_app menu.so", "module_app ctrl_tcp.so"]
        lines = [f"{name} {value}" for name, value in settings.items()] + modules
        (folder / "config").write_text("\n".join(lines) + "\n")
        (folder / "accounts").write_text(f"<sip:{self.uri}>;regint=0;answermode={self._answers}\n")
        (folder / "contacts").write_text("")
        self._process = await asyncio.create_subprocess_exec(
            *(str(PROGRAM), "-f", str(folder)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    reader, self._writer = await asyncio.open_connection("127.0.0.1", self._control)
                except OSError:
                    await asyncio.sleep(0.05)
                else:
                    self._reading = asyncio.create_task(self._read(reader))
                    return

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._writer is not None:
            self._writer.close()
        if self._process is not None:
            self._process.terminate()
            await self._process.wait()

    async def command(self, name: str, params: str = "") -> None:
        assert self._writer is not None
        text = json.dumps({"command": name, "params": params})
        self._writer.write(f"{len(text)}:{text},".encode())
        await self._writer.drain()

    async def wait(self, kind: str) -> dict[str, Any]:
        """Wait for an event, CALL_ESTABLISHED or CALL_CLOSED, and forget those before it."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for at, event in enumerate(self.events):
                    if event.get("type") == kind:
                        del self.events[: at + 1]
                        return event
                self._changed.clear()
                await self._changed.wait()

    async def heard(self) -> np.ndarray[Any, np.dtype[np.int16]]:
        """The sound of the latest call as it was heard here; the file is whole a moment after the call."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    with wave.open(str(max(self._folder.glob("dump-*-dec.wav"))), "rb") as file:
                        return np.frombuffer(file.readframes(file.getnframes()), "<i2")
                except wave.Error:
                    await asyncio.sleep(0.05)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while True:
            try:
                length = int((await reader.readuntil(b":"))[:-1])
                message = json.loads(await reader.readexactly(length))
                await reader.readexactly(1)
            except asyncio.IncompleteReadError:
                return
            self.events.append(message)
            self._changed.set()
