"""Which addresses a user may make the house call."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.delivery.addresses import AddressRules
from services.delivery.settings import WebhookSettings
from services.errors import RefusedError

PUBLIC = AddressRules(WebhookSettings())
AT_HOME = AddressRules(WebhookSettings(allow_http=True, allow_private=("192.168.1.0/24", "127.0.0.1/32", "fd12::/16")))

INSIDE = [
    "0.0.0.0", "0.1.2.3", "10.1.2.3", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.0.9", "169.254.169.254",
    "169.254.0.1", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.0.1",
    "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "64:ff9b::10.0.0.1", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::",
    "2002:a9fe:a9fe::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1",
]  # fmt: skip
OUTSIDE = ["1.1.1.1", "93.184.215.14", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::101:101",
           "::ffff:1.1.1.1"]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_what_is_not_public_is_refused(address: str) -> None:
    with pytest.raises(RefusedError):
        PUBLIC.check(address, 443)
    with pytest.raises(RefusedError):
        PUBLIC.url(f"https://[{address}]/" if ":" in address else f"https://{address}/")


@pytest.mark.parametrize("address", OUTSIDE)
def test_what_is_public_may_be_called(address: str) -> None:
    assert str(PUBLIC.check(address, 443)) in {address, "1.1.1.1"}


@pytest.mark.parametrize("address", ["169.254.169.254", "0.0.0.0", "224.0.0.1", "::", "fe80::1", "::ffff:169.254.1.1"])
def test_some_addresses_no_setting_opens(address: str) -> None:
    rules = AddressRules(WebhookSettings(allow_private=("0.0.0.0/0", "::/0")))
    with pytest.raises(RefusedError):
        rules.check(address, 443)
    assert rules.check("10.0.0.1", 9000) == ip_address("10.0.0.1")


def test_an_own_network_may_be_opened_with_every_port() -> None:
    assert AT_HOME.url("http://192.168.1.20:8123/api/webhook/x").port == 8123
    assert AT_HOME.check("::ffff:192.168.1.20", 8123) == IPv4Address("192.168.1.20")
    assert AT_HOME.check("fd12::7", 8123) == IPv6Address("fd12::7")
    for other in ("192.168.2.1", "127.0.0.2", "10.0.0.1", "::1"):
        with pytest.raises(RefusedError):
            AT_HOME.check(other, 443)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "//example.com/",
        "https://", "https:///x", "example.com", "", "https://user:secret@example.com/", "https://u@example.com/",
        "https://example.com/#part", "https://example.com:22/",
        "https://2130706433/", "https://0x7f000001/", "https://0x7f.1/", "https://127.1/", "https://0177.0.0.1/",
        "https://010.0.0.1/", "https://1.1.1.1.1/", "https://example.0x1/", "https://127.0.0.1./", "https://[::1]/",
        "https://[fe80::1%25eth0]/", "https://[::ffff:127.0.0.1]/", "https://exa mple.com/", "https://example.com\\@x/",
        "https://example.com/\r\nX-Evil: 1", "https://example.com/\x00", "https://a.example:99999/",
        "https://１２７.０.０.１/", "https://127。0。0。1/", "https://" + "a" * 3000,
    ],
)  # fmt: skip
def test_an_address_that_is_no_public_https_url_is_refused(url: str) -> None:
    with pytest.raises(RefusedError):
        PUBLIC.url(url)


@pytest.mark.parametrize("url", ["https://example.com/hook?x=1", "https://пример.рф:8443/", "https://1.1.1.1/"])
def test_usual_addresses_are_taken(url: str) -> None:
    assert PUBLIC.url(url).raw_host.isascii()


@given(st.ip_addresses())
def test_nothing_that_is_not_global_passes_in_any_wrapping(ip: IPv4Address | IPv6Address) -> None:
    forms = [str(ip)]
    if isinstance(ip, IPv4Address):
        low = f"{int(ip) >> 16:x}:{int(ip) & 0xFFFF:x}"
        forms += [f"::ffff:{low}", f"64:ff9b::{low}"]
    public = ip.is_global and not ip.is_multicast
    for form in forms:
        try:
            PUBLIC.check(form, 443)
        except RefusedError:
            continue
        assert public, form


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_in_another_spelling_is_no_host(ip: IPv4Address) -> None:
    number = int(ip)
    a, b, c, d = ip.packed
    for host in (str(number), hex(number), oct(number).replace("0o", "0"), f"{a}.{number & 0xFFFFFF}",
                 f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}", f"0{a:o}.0{b:o}.0{c:o}.0{d:o}"):  # fmt: skip
        with pytest.raises(RefusedError):
            PUBLIC.url(f"https://{host}/")


@given(st.text(max_size=60))
def test_any_text_is_a_url_or_refused(text: str) -> None:
    for each in (text, f"https://{text}", f"https://{text}/"):
        try:
            url = PUBLIC.url(each)
        except RefusedError:
            continue
        assert url.scheme == "https"
        assert url.host


def test_the_settings_say_what_is_wrong() -> None:
    for wrong in ({"allow_private": ("192.168.1.1/24",)}, {"allow_private": ("home",)}, {"ports": (0,)}):
        with pytest.raises(ValidationError):
            WebhookSettings.model_validate(wrong)
    assert ip_address("10.1.1.1") in ip_network(WebhookSettings(allow_private=("10.0.0.0/8",)).allow_private[0])
