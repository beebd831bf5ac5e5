"""The package `sippy`: a SIP stack, loaded in the process that speaks SIP and nowhere else."""

from importlib import import_module
from typing import Any, NamedTuple


class Stack(NamedTuple):
    """What is used of the package. It has no types; `loop` runs in the thread that loads it."""

    agent: Any
    allow: Any
    address: Any
    body: Any
    call_id: Any
    conf: Any
    events: Any
    header: Any
    logger: Any
    loop: Any
    refer_to: Any
    referred_by: Any
    registration: Any
    timer: Any
    transactions: Any
    udp_options: Any
    url: Any

    @classmethod
    def load(cls) -> "Stack":
        """Import the package. Raises ImportError where it is not installed."""

        def part(module: str, name: str = "") -> Any:
            return getattr(import_module(f"sippy.{module}"), name or module)

        return cls(
            agent=part("UA"),
            allow=part("SipAllow"),
            address=part("SipAddress"),
            body=part("MsgBody"),
            call_id=part("SipCallId"),
            conf=part("SipConf"),
            events=import_module("sippy.CCEvents"),
            header=part("SipHeader"),
            logger=part("SipLogger"),
            loop=part("Core.EventDispatcher", "ED2"),
            refer_to=part("SipReferTo"),
            referred_by=part("SipReferredBy"),
            registration=part("SipRegistrationAgent"),
            timer=part("Time.Timeout", "Timeout"),
            transactions=part("SipTransactionManager"),
            udp_options=part("Udp_server", "Udp_server_opts"),
            url=part("SipURL"),
        )
