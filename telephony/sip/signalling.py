"""The signalling process: the Sippy SIP stack on one side, orders and news (telephony.sip.messages) on the other.

A process of its own, because the stack has its own event loop, threads and signal. It handles no sound. When its
orders end (the house was stopped, or killed), it ends every call, signs off at the server and goes.

Run by telephony.sip.agent as `python -m telephony.sip.signalling`; needs the package `sippy`.
"""

import contextlib
import errno
import ipaddress
import os
import socket
import sys
import threading
import uuid
from collections.abc import Callable
from typing import Any, BinaryIO

from services.errors import LineError
from telephony.sip.leg import Leg
from telephony.sip.messages import (
    OURS,
    Accept,
    Dial,
    HangUp,
    News,
    NotOpened,
    NotRegistered,
    Open,
    Opened,
    Order,
    Over,
    Refer,
    Registered,
    Ring,
    decode,
    encode,
)
from telephony.sip.stack import Stack

FAREWELL_SECONDS = 1.2
"""How long the last BYE and REGISTER may wait for their answers, and be sent again when they got lost."""
TICK_SECONDS = 0.03
ASK_AGAIN = 0.8
"""A registration is renewed after this part of its time."""
METHODS = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "INFO", "NOTIFY", "UPDATE")


class Signalling:
    """All calls of the process. Every method runs in the stack's own thread."""

    def __init__(self, opening: Open, tell: Callable[[News], None]) -> None:
        self._opening = opening
        self._tell = tell
        self._stack = Stack.load()
        self._legs: dict[str, Leg] = {}
        self._registration: Any = None
        self._networks = _networks(opening)
        self._config: dict[str, Any] = {}

    def open(self) -> None:
        """Take the port and register. Raises LineError when the port cannot be had."""
        opening, stack = self._opening, self._stack
        _expect_free(opening.host, opening.port)
        stack.conf.my_uaname = "AI Secretary"
        stack.conf.autoconvert_tel_url = True
        stack.udp_options.nworkers = 1  # more of them send 180 and 200 in any order
        if opening.port:
            stack.conf.my_port = type(stack.conf.my_port)(opening.port)
        self._config["_sip_address"] = opening.host or stack.conf.my_address
        self._config["_sip_port"] = opening.port if opening.host else stack.conf.my_port
        self._config["_sip_logger"] = stack.logger("secretary")
        self._config["_sip_tm"] = stack.transactions(self._config, self._on_request)
        if opening.host:
            host, port = next(iter(self._config["_sip_tm"].l4r.cache_l2s.values())).uopts.laddress
            self._config["_sip_port"] = port
            stack.conf.my_address, stack.conf.my_port = host, port
            self._tell(Opened(host, port))
        else:
            self._tell(Opened("", opening.port))
        if opening.server and opening.username and opening.register_seconds:
            self._register()

    def obey(self, order: Order) -> None:
        """Do what the house says; an order for a call that is over is passed over."""
        if isinstance(order, Dial):
            leg = Leg(self._stack, self._config, order.call, self._tell_of)
            self._legs[order.call] = leg
            try:
                leg.dial(self._opening, order)
            except Exception as error:  # a name that the stack cannot put into a message, most likely
                _complain(f"a call was not placed: {error!r}")
                self._tell_of(Over(order.call, 400, "Bad Request"), over=True)
        elif not isinstance(order, Open) and order.call in self._legs:
            leg = self._legs[order.call]
            match order:
                case Ring():
                    leg.ring()
                case Accept(sdp=sdp):
                    leg.accept(sdp)
                case HangUp(code=code):
                    leg.hang_up(code)
                case Refer(to=to):
                    leg.refer(to)

    def close(self) -> None:
        """End every call and sign off; the loop ends a moment later."""
        for leg in list(self._legs.values()):
            leg.hang_up(480)
        if self._registration is not None:
            agent, self._registration = self._registration, None
            _ask_for(agent, 0)
            agent.doregister()
        self._stack.timer(self._stack.loop.breakLoop, FAREWELL_SECONDS)
        self._stack.timer(self._leave_when_heard, TICK_SECONDS, -1)

    def _leave_when_heard(self) -> None:
        if not self._config["_sip_tm"].tclient:  # nothing of ours waits for an answer
            self._stack.loop.breakLoop()

    def _tell_of(self, news: News, *, over: bool = False) -> None:
        if over:
            self._legs.pop(getattr(news, "call", ""), None)
        self._tell(news)

    def _on_request(self, request: Any, transaction: Any) -> Any:
        """Take a request outside the known dialogs; returns (answer, cancelled, not acknowledged) as the stack asks."""
        method = request.getMethod()
        if request.getHFBody("to").getTag() is not None:
            return request.genResponse(481, "Call/Transaction Does Not Exist"), None, None
        if method == "OPTIONS":
            answer = request.genResponse(200, "OK")
            answer.appendHeader(self._stack.header(name="allow", body=self._stack.allow(methods=list(METHODS))))
            return answer, None, None
        if method == "NOTIFY":
            return request.genResponse(200, "OK"), None, None
        if method != "INVITE":
            return request.genResponse(501, "Not Implemented"), None, None
        source = str(request.getSource()[0])
        if not self._lets_in(source):
            _complain(f"a call from {source} was refused: not in accept_from")
            return request.genResponse(403, "Forbidden"), None, None
        call = f"in-{uuid.uuid4().hex}"
        leg = self._legs[call] = Leg(self._stack, self._config, call, self._tell_of)
        try:
            return leg.receive(request, transaction, source)
        except Exception:  # an INVITE without a Contact and the like
            del self._legs[call]
            return request.genResponse(400, "Bad Request"), None, None

    def _lets_in(self, source: str) -> bool:
        address = ipaddress.ip_address(source.strip("[]"))
        return any(address in network for network in self._networks)

    def _register(self) -> None:
        opening, stack = self._opening, self._stack
        agent = stack.registration(
            self._config,
            stack.url(username=opening.username, host=opening.domain),
            stack.url(username=opening.username),
            user=opening.auth_username,
            passw=opening.password,
            exp=opening.register_seconds,
            rfail_cb=lambda line, _: self._tell(NotRegistered(*_status(line))),
            target=((opening.server, opening.server_port), stack.conf.my_transport),
        )
        _ask_for(agent, opening.register_seconds)
        on_reply = agent.gotreply

        def got_reply(reply: Any) -> None:
            """Ask again before the time is over; the stack's own agent asks when it is."""
            if agent.dead or not 200 <= reply.getSCode()[0] < 300:
                on_reply(reply)
            elif self._registration is not None:
                agent.atries = 0
                seconds = _granted(reply, opening.register_seconds)
                stack.timer(agent.doregister, seconds * ASK_AGAIN)
                self._tell(Registered(seconds))

        agent.gotreply = got_reply
        self._registration = agent
        agent.doregister()


def _ask_for(agent: Any, seconds: int) -> None:
    """Say for how long; sippy 2.5.0 sets the parameter itself, but then leaves it out of the message."""
    agent.rmsg.getHFBody("contact").address.setParam("expires", str(seconds))


def _granted(reply: Any, asked: int) -> float:
    """Seconds until the first of the bindings ends, as the server granted them."""
    contacts = [each for each in reply.getHFBodys("contact") if not each.asterisk]
    times = [float(each.address.params["expires"]) for each in contacts if "expires" in each.address.params]
    if not times:
        times = [float(reply.getHFBody("expires").getNum()) if reply.countHFs("expires") else float(asked)]
    return max(1.0, min(times))


def _status(line: str) -> tuple[int, str]:
    """Split a status line, "SIP/2.0 403 Forbidden"."""
    _, _, rest = line.partition(" ")
    code, _, reason = rest.partition(" ")
    return int(code) if code.isdecimal() else 500, reason


def _networks(opening: Open) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Resolve whose calls are let in: networks as written, and the server's own addresses for ""."""
    networks = [ipaddress.ip_network(each, strict=False) for each in opening.accept_from if each]
    if "" in opening.accept_from and opening.server:
        try:
            found = socket.getaddrinfo(opening.server, opening.server_port, type=socket.SOCK_DGRAM)
        except OSError:
            raise LineError(
                f"The SIP server {opening.server} was not found.", "Check SECRETARY_SIP__SERVER and the network."
            ) from None
        networks += [ipaddress.ip_network(each[4][0]) for each in found]
    return networks


def _expect_free(host: str, port: int) -> None:
    """Raise LineError for a port that cannot be had. One that is taken the stack would share, and our calls with it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((host, port))
        except OSError as error:
            remedy = "Stop the program that holds it, or choose another port with SECRETARY_SIP__BIND_PORT."
            if error.errno == errno.EADDRNOTAVAIL:
                remedy = "Set SECRETARY_SIP__BIND_HOST to an address of this machine, or leave it empty."
            elif error.errno == errno.EACCES:
                remedy = "Ports below 1024 are the system's: choose another with SECRETARY_SIP__BIND_PORT."
            problem = (error.strerror or str(error)).lower()
            raise LineError(f"UDP port {port} cannot be listened on: {problem}.", remedy) from None


def main() -> None:
    """Read orders from standard input until it ends; write news to standard output."""
    # The stack prints its complaints: they belong to the log, and standard output to the news.
    news = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    lock = threading.Lock()

    def tell(message: News) -> None:
        with lock, contextlib.suppress(BrokenPipeError):
            news.write(encode(message))

    orders = sys.stdin.buffer
    opening = decode(orders.readline())
    assert isinstance(opening, Open)
    try:
        signalling = Signalling(opening, tell)
        signalling.open()
    except ImportError:
        tell(NotOpened("The package sippy is not installed."))
        return
    except LineError as error:
        tell(NotOpened(error.message, error.remedy))
        return
    except OSError as error:
        tell(NotOpened(error.strerror or str(error)))
        return
    loop = Stack.load().loop
    threading.Thread(target=_follow, args=(orders, signalling, loop), daemon=True).start()
    loop.loop()
    sys.stderr.flush()
    os._exit(0)  # the stack's threads wait on sockets for ever


def _follow(orders: BinaryIO, signalling: Signalling, loop: Any) -> None:
    for line in orders:
        try:
            order = decode(line)
        except LineError as error:
            _complain(str(error))
            continue
        loop.callFromThread(signalling.obey, order)
    loop.callFromThread(signalling.close)


def _complain(text: str) -> None:
    sys.stderr.write(f"{OURS}{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
