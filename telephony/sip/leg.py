"""One call in the signalling process, as the Sippy stack knows it."""

import re
from typing import Any, Protocol

from telephony.sip.messages import (
    Answered,
    Changed,
    Dial,
    Incoming,
    Info,
    News,
    Open,
    Over,
    Referred,
    Ringing,
)
from telephony.sip.stack import Stack

MAX_FORWARDS = 70
TRANSFER_SECONDS = 30.0
REASONS = {480: "Temporarily Unavailable", 486: "Busy Here", 488: "Not Acceptable Here", 603: "Decline"}
_FRAGMENT = re.compile(r"SIP/2\.0\s+(\d{3})\s*([^\r\n]*)")
_HIDDEN = ("anonymous", "restricted", "unavailable", "unknown", "private")


class Tell(Protocol):
    """Passes news to the house; `over` marks the last of a call."""

    def __call__(self, news: News, *, over: bool = False) -> None:
        """Tell it."""
        ...


class Leg:
    """Our end of one call. All methods run in the stack's thread."""

    def __init__(self, stack: Stack, config: dict[str, Any], call: str, tell: Tell) -> None:
        self._stack = stack
        self._config = config
        self._call = call
        self._tell = tell
        self._agent: Any = None
        self._source = ""
        self._incoming = False
        self._offered = True  # by the caller; else our answer carries the offer
        self._up = False
        self._over = False
        self._referring = False

    def receive(self, request: Any, transaction: Any, source: str) -> Any:
        """Take an INVITE; returns what the stack's transaction layer asks for."""
        self._incoming, self._source = True, source
        self._agent = self._stack.agent(self._config, self._on_event)
        self._watch_requests()
        return self._agent.recvRequest(request, transaction)

    def dial(self, opening: Open, order: Dial) -> None:
        """Call somebody: at our server, or wherever "user@host" points."""
        stack = self._stack
        user, _, elsewhere = order.number.partition("@")
        host, port = _host_port(elsewhere) if elsewhere else (opening.server, opening.server_port)
        domain = host if elsewhere else opening.domain
        agent = stack.agent(
            self._config,
            self._on_event,
            username=opening.auth_username or None,
            password=opening.password or None,
            nh_address=(host, port),
            expire_time=order.ring_seconds,
        )
        self._agent = agent
        self._watch_requests()
        event = stack.events.CCEventTry(
            (stack.call_id(), opening.username or "secretary", user, stack.body(order.sdp), None, None)
        )
        event.max_forwards = MAX_FORWARDS

        def name_the_domain(agent: Any) -> None:
            agent.rUri.address.url.host = domain
            if not elsewhere:
                agent.rTarget.host, agent.rTarget.port = domain, None if domain != host else port
            if opening.domain:
                agent.lUri.address.url.host = opening.domain

        event.onUacSetupComplete = name_the_domain
        agent.recvEvent(event)

    def ring(self) -> None:
        """Send 180."""
        self._give(self._stack.events.CCEventRing())

    def accept(self, sdp: str) -> None:
        """Send 200 with our description, to the first INVITE or to a later one that changes the call.

        "" refuses the change (488), and the call goes on as it was.
        """
        events = self._stack.events
        if not sdp:
            self._give(events.CCEventFail((488, REASONS[488])))
            return
        kind = events.CCEventConnect if self._up or self._offered else events.CCEventPreConnect
        event = kind((200, "OK", self._stack.body(sdp)))
        if not self._up:
            self._up = True
        self._give(event)

    def hang_up(self, code: int) -> None:
        """End the call: decline it with `code`, cancel it, or send BYE, whatever its state asks for."""
        events = self._stack.events
        if self._incoming and not self._up:
            event = events.CCEventFail((code, REASONS.get(code, "Decline")))
        else:
            event = events.CCEventDisconnect()
        self._end(200 if self._up else code, "own hangup")
        self._give(event)

    def refer(self, to: str) -> None:
        """Send REFER; `Referred` tells how it went, and the call ends when the colleague took it."""
        if not self._up or self._agent.lUri is None:
            return
        stack, agent = self._stack, self._agent
        user, _, host = to.partition("@")
        target = stack.url(username=user, host=host or agent.rUri.getUrl().host)
        request = agent.genRequest("REFER")
        request.appendHeader(
            stack.header(name="refer-to", body=stack.refer_to(address=stack.address(url=target, hadbrace=True)))
        )
        by = stack.address(url=agent.lUri.getUrl().getCopy(), hadbrace=True)
        request.appendHeader(stack.header(name="referred-by", body=stack.referred_by(address=by)))
        self._referring = True
        agent.newTransaction(request, resp_cb=self._on_refer_reply)
        stack.timer(self._referred, TRANSFER_SECONDS, 1, 408, "Request Timeout")

    def _on_refer_reply(self, reply: Any) -> None:
        code, reason = reply.getSCode()
        if code >= 300:
            self._referred(code, reason)

    def _referred(self, code: int, reason: str) -> None:
        if self._referring and not self._over:
            self._referring = False
            self._tell(Referred(self._call, code, reason))
            if code < 300:
                self.hang_up(200)

    def _watch_requests(self) -> None:
        """Answer what the stack leaves without an answer: its peer would ask again for half a minute."""
        agent, receive = self._agent, self._agent.recvRequest

        def on_request(request: Any, transaction: Any) -> Any:
            method = request.getMethod()
            if method == "NOTIFY" or (method == "UPDATE" and request.getBody() is None):
                agent.rCSeq = request.getHFBody("cseq").getCSeqNum()
                if method == "NOTIFY":
                    self._on_notify(str(request.getBody() or ""))
                return request.genResponse(200, "OK"), None, None
            known = ("INVITE", "BYE", "REFER", "INFO", "OPTIONS", "ACK", "CANCEL")
            if method not in known:
                return request.genResponse(501, "Not Implemented"), None, None
            return receive(request, transaction)

        agent.recvRequest = on_request

    def _on_notify(self, body: str) -> None:
        found = _FRAGMENT.search(body)
        if found and int(found[1]) >= 200:
            self._referred(int(found[1]), found[2])

    def _on_event(self, event: Any, _agent: Any) -> None:
        events = self._stack.events
        match event:
            case events.CCEventTry():
                self._announce(event)
            case events.CCEventRing():
                code, _, body = event.getData()
                if code > 100:
                    self._tell(Ringing(self._call, code, _text(body)))
            case events.CCEventConnect():
                self._up = True
                self._tell(Answered(self._call, _text(event.getData()[2])))
            case events.CCEventUpdate():
                self._tell(Changed(self._call, _text(event.getData())))
            case events.CCEventInfo():
                self._tell(Info(self._call, _text(event.getData())))
            case events.CCEventFail() | events.CCEventRedirect():
                self._end(event.getData()[0], str(event.getData()[1]))
            case events.CCEventDisconnect():
                self._end(200 if self._up else 487, "hangup")

    def _announce(self, event: Any) -> None:
        _, number, called, body, _, name = event.getData()
        number = "" if (number or "").lower() in _HIDDEN else number or ""
        self._offered = body is not None
        name = "" if (name or "").lower() in _HIDDEN else (name or "").strip('"')
        self._tell(Incoming(self._call, number, name, called or "", _text(body), self._source))

    def _end(self, code: int, reason: str) -> None:
        if not self._over:
            self._over = True
            self._tell(Over(self._call, code, reason), over=True)

    def _give(self, event: Any) -> None:
        self._agent.recvEvent(event)


def _text(body: Any) -> str:
    return "" if body is None else str(body)


def _host_port(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    return (host, int(port)) if colon and port.isdigit() else (text, 5060)
