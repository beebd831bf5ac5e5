"""The guarded client against real servers: it goes where it was judged to go, and no further."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from webhook_receiver import Received, plain, receiver

from services.delivery.addresses import AddressRules
from services.delivery.outbound import Limits, OutboundClient, system_resolver
from services.delivery.settings import WebhookSettings
from services.errors import DeliveryError

HOME = AddressRules(WebhookSettings(allow_http=True, allow_private=("127.0.0.1/32",)))
QUICK = Limits(resolve=0.3, connect=0.5, write=0.5, read=0.5, total=1.0, answer=1000)


class Names:
    """A name server: each name has its answers in turn, the last one for ever."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self.answers = {name.replace("_", "."): given for name, given in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        if host not in self.answers:
            raise OSError("unknown name")
        given = self.answers[host]
        return given.pop(0) if len(given) > 1 else given[0]


async def test_it_posts_and_reads_the_answer() -> None:
    async with receiver() as shop:
        client = OutboundClient(HOME, resolver=Names(shop_test=[["127.0.0.1"]]))
        answer = await client.post(shop.url("/a?b=c", host="shop.test"), b"{}", {"X-One": "1"})
        await client.close()
    assert (answer.status, answer.body) == (200, b"thanks")
    assert shop.received[0].line == "POST /a?b=c HTTP/1.1"
    assert shop.received[0].headers["host"] == f"shop.test:{shop.port}"
    assert shop.received[0].headers["accept-encoding"] == "identity"
    assert shop.received[0].headers["x-one"] == "1"


async def test_a_name_that_leads_inside_is_not_called() -> None:
    outside = AddressRules(WebhookSettings(allow_http=True))
    async with receiver() as inside:
        for given in (
            ["127.0.0.1"],
            ["93.184.215.14", "127.0.0.1"],
            ["::1"],
            ["::ffff:127.0.0.1"],
            ["169.254.169.254"],
        ):
            client = OutboundClient(outside, resolver=Names(evil_test=[given]), limits=QUICK)
            with pytest.raises(DeliveryError, match="address") as refused:
                await client.post("http://evil.test/", b"", {})
            assert refused.value.attempts == 3
            await client.close()
        client = OutboundClient(outside, resolver=system_resolver, limits=QUICK)
        with pytest.raises(DeliveryError, match="is not a public one"):
            await client.post("http://localhost/", b"", {})
        await client.close()
    assert inside.connections == 0


async def test_the_second_answer_of_a_name_server_is_not_asked_for() -> None:
    async with receiver() as good:
        names = Names(rebind_test=[["127.0.0.1"], ["10.0.0.1"]])
        client = OutboundClient(HOME, resolver=names, limits=QUICK)
        assert (await client.post(good.url(host="rebind.test"), b"", {})).status == 200
        assert names.asked == ["rebind.test"]
        await client.close()
        client = OutboundClient(HOME, resolver=names, limits=QUICK)  # a new connection is judged anew
        with pytest.raises(DeliveryError, match=r"10\.0\.0\.1"):
            await client.post(good.url(host="rebind.test"), b"", {})
        await client.close()


async def test_redirects_and_proxies_are_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiver() as inside, receiver() as outside:
        outside.answer = lambda _received: plain(307, Location=inside.url())
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, inside.url(""))
        client = OutboundClient(HOME)
        answer = await client.post(outside.url(), b"x", {})
        await client.close()
    assert answer.status == 307
    assert inside.connections == 0


async def test_an_answer_is_read_up_to_a_bound_and_never_unpacked() -> None:
    async with receiver() as shop:
        shop.answer = lambda _received: plain(200, b"z" * 5_000_000, Content_Encoding="gzip")
        client = OutboundClient(HOME, limits=Limits(answer=1000))
        answer = await client.post(shop.url(), b"", {})
        assert len(answer.body) == 1000
        shop.answer = lambda _received: plain(200)  # the connection that was cut off is not used again
        assert (await client.post(shop.url(), b"", {})).body == b""
        await client.close()


async def test_silence_drips_and_rubbish_end_in_a_sentence() -> None:
    async with receiver() as shop:
        client = OutboundClient(HOME, limits=QUICK)

        async def fails() -> str:
            with pytest.raises(DeliveryError) as failed:
                await client.post(shop.url(), b"", {})
            assert failed.value.attempts == 12
            return failed.value.message

        shop.answer = lambda _received: None
        assert await fails() == "The receiver does not answer in time."
        shop.answer = lambda _received: b"SSH-2.0-OpenSSH\r\n\r\n"
        assert "cannot be reached" in await fails()
        shop.answer = lambda _received: b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"
        assert await fails()
        await client.close()
        client = OutboundClient(HOME, resolver=Names(), limits=QUICK)
        with pytest.raises(DeliveryError, match="the name is not known"):
            await client.post("https://nowhere.test/", b"", {})
        await client.close()

        async def silent(host: str, port: int) -> list[str]:
            await asyncio.sleep(60)
            return [host, str(port)]

        client = OutboundClient(HOME, resolver=silent, limits=QUICK)
        with pytest.raises(DeliveryError, match="in time"):
            await client.post("https://slow.test/", b"", {})
        await client.close()


def _certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the contexts of a server with a certificate for `name`, and of a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(private + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem")
    return server, ssl.create_default_context(cadata=pem.decode())


async def test_tls_verifies_the_name_though_the_address_is_connected_to(tmp_path: Path) -> None:
    server, trusting = _certificate(tmp_path, "shop.test")
    seen: list[str | None] = []
    server.sni_callback = lambda _socket, name, _context: seen.append(name)
    names = Names(shop_test=[["127.0.0.1"]], other_test=[["127.0.0.1"]])
    async with receiver(server) as shop:
        client = OutboundClient(HOME, resolver=names, ssl_context=trusting)
        answer = await client.post(shop.url(scheme="https", host="shop.test"), b"", {})
        with pytest.raises(DeliveryError, match="certificate"):
            await client.post(shop.url(scheme="https", host="other.test"), b"", {})
        await client.close()
        stranger = OutboundClient(HOME, resolver=names)  # the usual authorities know nothing of it
        with pytest.raises(DeliveryError, match="certificate"):
            await stranger.post(shop.url(scheme="https", host="shop.test"), b"", {})
        await stranger.close()
    assert answer.status == 200
    assert seen[0] == "shop.test"
    assert [type(each) for each in shop.received] == [Received]
