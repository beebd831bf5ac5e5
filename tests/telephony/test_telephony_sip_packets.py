"""The parts of a SIP call without sockets: packets, their order, keys, descriptions, messages."""

import struct
from collections.abc import Callable

import pytest
from aiortp.packet import RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from services.errors import LineError
from telephony.sip.jitter import AHEAD_SECONDS, FRAME, RATE, JitterBuffer
from telephony.sip.keys import KEY_FRAMES, KEYS, PAUSE_FRAMES, KeyReader, KeyWriter, check_keys, key_of
from telephony.sip.messages import Dial, Incoming, Open, Over, decode, encode
from telephony.sip.rtp import Packet, Sender, after, build, parse
from telephony.sip.sdp import PCMA, PCMU, OurSide, agree, read

SILENCE = b"\xd5"


def quiet(data: bytes) -> bool:
    return data[:1] == SILENCE


def packet(number: int, *, first: int = 0, source: int = 7, sound: bytes | None = None) -> Packet:
    payload = bytes([number % 200]) * FRAME if sound is None else sound
    return Packet(8, (first + number) & 0xFFFF, (first * FRAME + number * FRAME) & 0xFFFFFFFF, source, payload)


@given(
    st.builds(
        Packet,
        st.integers(0, 71) | st.integers(77, 127),
        st.integers(0, 0xFFFF),
        st.integers(0, 0xFFFFFFFF),
        st.integers(0, 0xFFFFFFFF),
        st.binary(max_size=400),
        st.booleans(),
    )
)
def test_a_packet_reads_as_it_was_written_here_and_elsewhere(each: Packet) -> None:
    assert parse(build(each)) == each
    theirs = RtpPacket.parse(build(each))
    assert (theirs.payload_type, theirs.sequence_number, theirs.timestamp) == (
        each.payload_type,
        each.sequence,
        each.timestamp,
    )
    assert theirs.payload == each.payload


@given(st.binary(max_size=200))
def test_junk_is_no_packet_or_one_within_its_bounds(data: bytes) -> None:
    read_packet = parse(data)
    assert read_packet is None or len(read_packet.payload) <= len(data) - 12


def test_extension_sources_and_padding_are_left_out() -> None:
    header = struct.pack("!BBHII", 0x80 | 0x20 | 0x10 | 1, 8, 1, 2, 3)
    data = header + b"CSRC" + b"\xbe\xde\x00\x01abcd" + b"sound" + b"\0\0\3"
    assert parse(data) == Packet(8, 1, 2, 3, b"sound")


def test_our_packets_follow_each_other() -> None:
    sender = Sender()
    first = parse(sender.packet(8, b"a", marker=True))
    sender.advance(FRAME)
    second = parse(sender.packet(8, b"b"))
    assert first is not None
    assert second is not None
    assert (after(second.sequence, first.sequence, 16), after(second.timestamp, first.timestamp, 32)) == (1, FRAME)
    assert (first.marker, second.marker, first.source) == (True, False, second.source)


@given(st.integers(0, 0xFFFF), st.integers(-1000, 1000))
def test_counters_are_compared_across_their_end(start: int, step: int) -> None:
    assert after((start + step) & 0xFFFF, start, 16) == step


@given(st.integers(0, 0xFFFF), st.permutations(range(12)))
def test_packets_are_put_in_order(first: int, order: list[int]) -> None:
    """All within the time that a missing one is waited for, whatever their order and numbers."""
    jitter = JitterBuffer(SILENCE, quiet)
    order.sort(key=lambda each: each // 3)  # triples in any order among themselves
    if order[0] != 0:
        order.remove(0)
        order.insert(0, 0)
    heard = b"".join(jitter.push(packet(each, first=first), at * 0.02) for at, each in enumerate(order))
    assert heard == b"".join(packet(each).payload for each in range(12))
    assert jitter.counts.lost == 0


def test_a_lost_packet_is_stood_in_for() -> None:
    jitter = JitterBuffer(SILENCE, quiet)
    heard = b"".join(jitter.push(packet(each), each * 0.02) for each in range(20) if each not in (5, 6))
    assert len(heard) == 20 * FRAME
    assert heard[5 * FRAME : 7 * FRAME] == packet(4).payload + SILENCE * FRAME
    assert heard[7 * FRAME :] == b"".join(packet(each).payload for each in range(7, 20))
    assert jitter.counts.lost == 2


def test_late_and_doubled_packets_are_heard_once() -> None:
    jitter = JitterBuffer(SILENCE, quiet)
    heard = jitter.push(packet(0), 0.0) + jitter.push(packet(0), 0.01) + jitter.push(packet(2), 0.02)
    heard += jitter.push(packet(2), 0.03) + jitter.push(packet(1), 0.04)
    assert len(heard) == 3 * FRAME
    assert (jitter.counts.late, jitter.counts.doubled) == (1, 1)


def test_silence_stands_in_where_nothing_comes() -> None:
    jitter = JitterBuffer(SILENCE, quiet)
    heard = b"".join(jitter.poll(tick * 0.02) for tick in range(101))
    assert set(heard) == set(SILENCE)
    assert 2.0 - 0.1 < len(heard) / RATE <= 2.0


def test_a_key_between_sounds_is_no_hole() -> None:
    jitter = JitterBuffer(SILENCE, quiet)
    heard = jitter.push(packet(0), 0.0) + jitter.push(packet(1), 0.02, sound=False) + jitter.push(packet(2), 0.04)
    assert heard == packet(0).payload + packet(2).payload
    assert jitter.counts.lost == 0


def test_another_stream_begins_anew() -> None:
    jitter = JitterBuffer(SILENCE, quiet)
    jitter.push(packet(100), 0.0)
    assert jitter.push(packet(3, source=8), 0.02) == packet(3).payload
    assert jitter.push(packet(30_000, source=8), 0.04) == packet(30_000).payload


def test_a_burst_after_a_stall_is_heard_and_the_clock_catches_up() -> None:
    jitter = JitterBuffer(SILENCE, quiet)
    heard = jitter.push(packet(0), 0.0)
    heard += b"".join(jitter.poll(tick * 0.02) for tick in range(1, 11))  # 200 ms without a packet
    heard += b"".join(jitter.push(packet(each), 0.2) for each in range(1, 11))
    assert heard.count(packet(7).payload) == 1
    before = len(heard) / RATE
    assert before > 0.3
    for number in range(11, 31):
        heard += jitter.push(packet(number, sound=SILENCE * FRAME), number * 0.02)
    assert jitter.counts.dropped > 0
    assert len(heard) / RATE - 0.6 <= 0.06 + 0.02


@given(
    st.lists(
        st.tuples(
            st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF), st.integers(0, 2), st.floats(0, 0.5), st.booleans()
        ),
        max_size=40,
    )
)
def test_whatever_comes_the_sound_keeps_near_the_clock(arrivals: list[tuple[int, int, int, float, bool]]) -> None:
    jitter, now, given_samples = JitterBuffer(SILENCE, quiet), 0.0, len(JitterBuffer(SILENCE, quiet).poll(0.0))
    jitter.poll(0.0)
    for sequence, timestamp, source, pause, sound in arrivals:
        now += pause
        given_samples += len(jitter.poll(now))
        given_samples += len(jitter.push(Packet(8, sequence, timestamp, source, b"x" * FRAME), now, sound=sound))
        assert given_samples / RATE <= now + AHEAD_SECONDS + 1e-3
    now += 1.0
    given_samples += len(jitter.poll(now)) + len(jitter.poll(now))
    assert given_samples / RATE >= now - 0.1


def test_a_flood_is_cut_at_a_fifth_of_a_second() -> None:
    jitter = JitterBuffer(SILENCE, quiet)
    heard = b"".join(jitter.push(packet(each), 0.0) for each in range(50))
    assert len(heard) == round(AHEAD_SECONDS * RATE)
    assert jitter.counts.dropped == 40


def test_keys_are_told_once_each() -> None:
    writer, reader, sender = KeyWriter(), KeyReader(), Sender()
    seconds = writer.press("1a#")
    assert seconds == pytest.approx(3 * (KEY_FRAMES + PAUSE_FRAMES) * 0.02)
    heard, began = "", 0
    while (step := writer.step()) is not None:
        if step.begins:
            began = sender.timestamp
        for payload in step.payloads:
            each = parse(sender.packet(101, payload, timestamp=began))
            assert each is not None
            heard += reader.push(each)
        sender.advance(FRAME)
    assert heard == "1A#"


@given(st.binary(max_size=8), st.integers(0, 3))
def test_events_that_are_no_keys_are_passed_over(payload: bytes, timestamp: int) -> None:
    reader = KeyReader()
    key = reader.push(Packet(101, 1, timestamp, 1, payload))
    assert key == "" or key in KEYS


@pytest.mark.parametrize("digits", ["", "12x", "+7"])
def test_what_is_no_key_is_refused(digits: str) -> None:
    with pytest.raises(LineError):
        check_keys(digits)


@pytest.mark.parametrize(
    ("info", "key"),
    [("Signal=5\r\nDuration=160\r\n", "5"), ("signal= d", "D"), ("7", "7"), ("Signal=16", ""), ("", "")],
)
def test_keys_by_info(info: str, key: str) -> None:
    assert key_of(info) == key


OFFER = """v=0
o=- 1 1 IN IP4 10.0.0.1
s=-
c=IN IP4 10.0.0.1
t=0 0
m=audio 4000 RTP/AVP 9 0 8 97
a=rtpmap:9 G722/8000
a=rtpmap:97 telephone-event/8000
a=fmtp:97 0-16
a=sendrecv
m=video 4002 RTP/AVP 31 34
a=rtpmap:31 H261/90000
"""


def test_an_offer_is_answered() -> None:
    theirs = read(OFFER)
    agreed = agree(theirs, (PCMA, PCMU))
    assert (agreed.host, agreed.port, agreed.codec, agreed.payload_type, agreed.events) == ("10.0.0.1", 4000, 8, 8, 97)
    answer = OurSide("10.0.0.2", 6000).answer(theirs, agreed)
    media = [line for line in answer.splitlines() if line.startswith("m=")]
    assert media == ["m=audio 6000 RTP/AVP 8 97", "m=video 0 RTP/AVP 31 34"]
    again = agree(read(answer), (PCMA,))
    assert (again.host, again.port, again.codec, again.events) == ("10.0.0.2", 6000, 8, 97)


def test_our_offer_is_understood_by_ourselves_and_counts_versions() -> None:
    ours = OurSide("fd00::1", 6000)
    first, second = ours.offer((PCMA, PCMU)), ours.offer((PCMA,))
    assert agree(read(first), (PCMU,)).payload_type == 0
    assert "IN IP6 fd00::1" in first
    versions = [int(text.splitlines()[1].split()[2]) for text in (first, second)]
    assert versions == [1, 2]


@pytest.mark.parametrize(
    ("line", "held", "answered"),
    [("sendonly", True, "recvonly"), ("inactive", True, "inactive"), ("recvonly", False, "sendonly")],
)
def test_holding(line: str, held: bool, answered: str) -> None:
    theirs = read(OFFER.replace("a=sendrecv", f"a={line}"))
    agreed = agree(theirs, (PCMA,))
    assert agreed.held is held
    assert f"a={answered}\r\n" in OurSide("10.0.0.2", 6000).answer(theirs, agreed)


def test_dynamic_payload_types_are_understood() -> None:
    theirs = read(OFFER.replace("RTP/AVP 9 0 8 97", "RTP/AVP 110 97").replace("9 G722/8000", "110 PCMA/8000/1"))
    assert agree(theirs, (PCMU, PCMA)).payload_type == 110


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("9 0 8 97", "9 97"),
        lambda text: text.replace("RTP/AVP 9", "RTP/SAVP 9"),
        lambda text: text.replace("audio 4000", "audio 0"),
        lambda text: text.replace("c=IN IP4 10.0.0.1", ""),
        lambda _: "",
        lambda _: "not a description",
    ],
)
def test_what_cannot_be_spoken_is_refused(change: Callable[[str], str]) -> None:
    with pytest.raises(LineError):
        read(change(OFFER))


@given(st.text(max_size=80), st.integers(0, len(OFFER)), st.integers(0, 20))
def test_a_broken_description_is_refused_or_read(junk: str, at: int, cut: int) -> None:
    try:
        theirs = read(OFFER[:at] + junk + OFFER[at + cut :])
        OurSide("10.0.0.2", 6000).answer(theirs, agree(theirs, (PCMA, PCMU)))
    except LineError:
        pass


def test_messages_come_through_as_they_are() -> None:
    opening = Open("", 5060, "host", 5060, "host", "user", "user", "secret", 300, ("", "10.0.0.0/8"))
    for message in (
        opening,
        Dial("1", "100", "v=0\r\n", 45.0),
        Incoming("2", "", "", "100", "v=0", "::1"),
        Over("2", 200, ""),
    ):
        line = encode(message)
        assert line.count(b"\n") == 1
        assert decode(line) == message


@given(st.binary(max_size=60))
def test_a_message_that_is_none_is_refused(line: bytes) -> None:
    with pytest.raises(LineError):
        decode(line)
