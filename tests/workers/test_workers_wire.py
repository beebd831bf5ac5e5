"""Packets survive any splitting, and nonsense is refused as such."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.workers.wire import MAX_PACKET, WINDOW, Decoder, Kind, Packet, WireError, charge, encode

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
PACKETS = st.builds(
    Packet,
    st.sampled_from(Kind),
    st.integers(0, 10**6),
    st.text(max_size=20),
    st.dictionaries(st.text(max_size=8), VALUES, max_size=4),
    st.binary(max_size=300),
)


@given(st.lists(PACKETS, max_size=5), st.integers(1, 97))
def test_packets_come_out_as_they_went_in_however_split(packets: list[Packet], step: int) -> None:
    stream = b"".join(encode(each) for each in packets)
    decoder = Decoder()
    came = [item for at in range(0, len(stream), step) for item in decoder.feed(stream[at : at + step])]
    assert [packet for packet, _ in came] == packets
    assert [size for _, size in came] == [len(encode(each)) for each in packets]


@given(st.binary(max_size=200))
def test_nonsense_is_a_wire_error_or_waits_for_more(data: bytes) -> None:
    try:
        for packet, _ in Decoder().feed(data + b"\n"):
            assert isinstance(packet, Packet)
    except WireError:
        pass


@pytest.mark.parametrize(
    "change",
    [{"kind": "dance"}, {"session": -1}, {"session": "1"}, {"size": -5}, {"size": None}, {"data": []}, {"type": 3}],
)
def test_a_malformed_header_is_refused(change: dict[str, object]) -> None:
    header = {"kind": "message", "session": 1, "type": "x", "data": {}, "size": 0} | change
    with pytest.raises(WireError, match="not a packet header"):
        list(Decoder().feed(json.dumps(header).encode() + b"\n"))


def test_what_is_too_large_is_refused_on_both_sides() -> None:
    with pytest.raises(WireError, match="over"):
        encode(Packet(Kind.MESSAGE, 1, "x", payload=bytes(MAX_PACKET)))
    header = {"kind": "message", "session": 1, "type": "x", "data": {}, "size": MAX_PACKET}
    with pytest.raises(WireError, match="over"):
        list(Decoder().feed(json.dumps(header).encode() + b"\n"))
    with pytest.raises(WireError, match="over"):
        list(Decoder().feed(b"x" * (MAX_PACKET + 1)))


@given(st.integers(0, MAX_PACKET))
def test_any_packet_fits_once_less_than_a_step_is_outstanding(size: int) -> None:
    assert charge(size) + WINDOW // 4 <= WINDOW
