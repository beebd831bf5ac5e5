"""The other side of SIP calls in tests, on another stack than ours: aiosipua for signalling, aiortp for sound.

It is telephone and server in one: it registers us (with digest), takes, challenges and refuses our calls, and calls us.
"""

import asyncio
import hashlib
import re
import socket
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from aiortp import RTPSession
from aiosipua import IncomingCall, OutgoingCall, SipRequest, SipResponse, SipUAC, SipUAS, build_sdp, negotiate_sdp
from aiosipua.refer import notify_refer
from aiosipua.transport import UdpSipTransport

PATIENCE = 10.0
FRAME = 160
USER, PASSWORD, REALM = "secretary", "open sesame", "peer.test"
NAMES = {0: "PCMU", 8: "PCMA"}


def free_port() -> int:
    """An even UDP port with a free one above it."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as first:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as second:
                try:
                    second.bind(("127.0.0.1", port + 1))
                except OSError:
                    continue
            if port % 2 == 0:
                return port


@dataclass
class PeerCall:
    """One call as the peer sees it. It says a tone of `tone` Hz while it is up."""

    peer: "SipPeer"
    signalling: IncomingCall | OutgoingCall
    rtp_port: int
    tone: int = 1000
    keys: list[str] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    up: asyncio.Event = field(default_factory=asyncio.Event)
    code: int = 0
    media: RTPSession | None = None
    speaking: asyncio.Task[None] | None = None

    @property
    def sound(self) -> np.ndarray[Any, np.dtype[np.int16]]:
        """What was heard so far."""
        return np.frombuffer(b"".join(self.heard), "<i2")

    async def begin(self, remote: tuple[str, int], payload_type: int) -> None:
        self.media = await RTPSession.create(
            ("127.0.0.1", self.rtp_port), remote, payload_type, jitter_prefetch=0, plc=False
        )
        self.media.on_audio = lambda pcm, _: self.heard.append(pcm)
        self.media.on_dtmf = lambda key, _: self.keys.append(key)
        self.speaking = asyncio.create_task(self._speak())
        self.up.set()

    async def _speak(self) -> None:
        assert self.media is not None
        loop = asyncio.get_running_loop()
        start, sent = loop.time(), 0
        while True:
            at = np.arange(sent, sent + FRAME) / 8000
            pcm = (np.sin(2 * np.pi * self.tone * at) * 6000).astype("<i2")
            self.media.send_audio_pcm_auto(pcm.tobytes())
            sent += FRAME
            await asyncio.sleep(max(0.0, start + sent / 8000 - loop.time()))

    def press(self, key: str) -> None:
        assert self.media is not None
        self.media.send_dtmf(key, 120)

    async def hang_up(self) -> None:
        if isinstance(self.signalling, OutgoingCall):
            self.signalling.hangup(self.peer.caller)
        else:
            self.signalling.hangup()
        await self.end()

    async def end(self) -> None:
        self.over.set()
        if self.speaking is not None:
            self.speaking.cancel()
            await asyncio.gather(self.speaking, return_exceptions=True)
        media, self.media = self.media, None
        if media is not None:
            await media.close()


class SipPeer:
    """`reply` is what our calls get: 200, another final code, or 180 for ever. `challenge` asks for a password first.

    `deaf` messages are lost before the peer hears again.
    """

    def __init__(self, *, reply: int = 200, challenge: bool = False, codec: int = 8) -> None:
        self.port = free_port()
        self.reply, self.challenge, self.codec = reply, challenge, codec
        self.calls: asyncio.Queue[PeerCall] = asyncio.Queue()
        self.registered: list[int] = []  # expiry asked for, in order
        self.refused = 0
        self.deaf = 0
        self.cancelled = asyncio.Event()
        self.refers: list[str] = []
        self.refer_reply = 200
        self._all: list[PeerCall] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._transport = UdpSipTransport(local_addr=("127.0.0.1", self.port))
        self.caller = SipUAC(self._transport)
        self._server = SipUAS(self._transport, uac=self.caller)
        self._server.on_invite = lambda call: self._spawn(self._take(call))
        self._server.on_bye = lambda call, _: self._on_bye(call.call_id)
        self._server.on_cancel = lambda *_: self.cancelled.set()
        self._server.on_refer = self._on_refer
        self._server._handlers["REGISTER"] = self._on_register

    async def start(self) -> None:
        await self._server.start()
        hear = self._transport.on_message
        assert hear is not None

        def lossy(message: SipRequest | SipResponse, source: tuple[str, int]) -> None:
            if self.deaf:
                self.deaf -= 1
            else:
                hear(message, source)

        self._transport.on_message = lossy

    async def close(self) -> None:
        for call in self._all:
            await call.end()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.stop()

    async def next_call(self) -> PeerCall:
        """Wait for the next call that is up here."""
        async with asyncio.timeout(PATIENCE):
            return await self.calls.get()

    async def dial(self, port: int, *, offer: bool = True, tone: int = 1000, name: str = "alice") -> PeerCall:
        """Call 127.0.0.1:port and return when the call is up, or over (`code` says why)."""
        rtp = free_port()
        sdp = build_sdp("127.0.0.1", rtp, self.codec, NAMES[self.codec]) if offer else None
        address = ("127.0.0.1", port)
        outgoing = self.caller.send_invite(
            f"sip:{name}@127.0.0.1:{self.port}", f"sip:{USER}@127.0.0.1:{port}", address, sdp
        )
        call = PeerCall(self, outgoing, rtp, tone)
        self._all.append(call)
        try:
            await outgoing.wait_answered(PATIENCE)
        except RuntimeError as refused:
            call.code = int(str(refused).split(":")[1].split()[0])
            call.over.set()
            return call
        call.code = 200
        if outgoing.sdp_answer is not None and outgoing.sdp_answer.rtp_address is not None:
            audio = outgoing.sdp_answer.audio
            assert audio is not None
            await call.begin(outgoing.sdp_answer.rtp_address, audio.codecs[0].payload_type)
        return call

    async def give_up(self, port: int, after: float) -> None:
        """Call, and hang up while it still rings."""
        sdp = build_sdp("127.0.0.1", free_port(), self.codec, NAMES[self.codec])
        address = ("127.0.0.1", port)
        outgoing = self.caller.send_invite(
            f"sip:alice@127.0.0.1:{self.port}", f"sip:{USER}@127.0.0.1:{port}", address, sdp
        )
        await asyncio.sleep(after)
        outgoing.cancel(self.caller)

    async def _take(self, invite: IncomingCall) -> None:
        if self.challenge and not self._proven(invite.invite, "proxy-authorization"):
            self._challenge(invite.invite, 407, "Proxy-Authenticate")
            return
        if self.reply == 180:
            invite.ringing()
            return
        if self.reply != 200:
            invite.reject(self.reply)
            return
        assert invite.sdp_offer is not None
        assert invite.sdp_offer.rtp_address is not None
        call = PeerCall(self, invite, free_port())
        self._all.append(call)
        answer, payload_type = negotiate_sdp(
            invite.sdp_offer, "127.0.0.1", call.rtp_port, supported_codecs=[self.codec]
        )
        await call.begin(invite.sdp_offer.rtp_address, payload_type)
        invite.ringing()
        invite.accept(answer)
        self.calls.put_nowait(call)

    def _on_bye(self, call_id: str) -> None:
        for call in self._all:
            if call.signalling.call_id == call_id:
                self._spawn(call.end())

    def _on_refer(self, call: IncomingCall, to: str) -> None:
        self.refers.append(to)
        notify_refer(call, self.refer_reply)

    def _on_register(self, request: SipRequest, _: tuple[str, int]) -> None:
        if not self._proven(request, "authorization"):
            self.refused += 1
            self._challenge(request, 401, "WWW-Authenticate")
            return
        contact = request.headers.get_first("contact") or ""
        found = re.search(r"expires=(\d+)", contact)
        self.registered.append(int(found[1]) if found else -1)
        self._server._send_error(request, 200, "OK", extra_headers={"Contact": contact})

    def _challenge(self, request: SipRequest, code: int, header: str) -> None:
        asked = f'Digest realm="{REALM}",nonce="0123456789abcdef",algorithm=MD5,qop="auth"'
        self._server._send_error(request, code, "Prove it", extra_headers={header: asked})
        if request.call_id:
            self._server._calls.pop(request.call_id, None)

    def _proven(self, request: SipRequest, header: str) -> bool:
        """Check a digest answer (RFC 2617, section 3.2.2)."""
        given = dict(re.findall(r'(\w+)="?([^",]+)"?', request.headers.get_first(header) or ""))
        if given.get("username") != USER:
            return False

        def md5(text: str) -> str:
            return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

        first, second = md5(f"{USER}:{REALM}:{PASSWORD}"), md5(f"{request.method}:{given['uri']}")
        middle = f"{given['nonce']}:{given['nc']}:{given['cnonce']}:auth"
        return bool(md5(f"{first}:{middle}:{second}") == given["response"])

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
