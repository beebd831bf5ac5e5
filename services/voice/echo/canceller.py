"""Echo: the line's own voice coming back must not be taken for the caller.

Most telephone lines return nothing, and then nothing is changed. Where a correlation (echo_watch) finds the
secretary's voice in what the caller sends, WebRTC's canceller (AEC3, from the package pywebrtc-audio) takes it out: an
adaptive filter in the frequency domain, and a suppressor for what a codec bends out of linear shape. What is echo and
nothing else is muted besides (echo_gate). While the caller speaks over the echo, AEC3's suppressor would spoil his
words for the ears: then a plain linear filter (echo_filter) takes its place. Where the package is missing, gate and
filter do the work alone.
"""

import math
from collections import deque
from collections.abc import Callable

import numpy as np
import structlog

from services.audio.frame import Frame, Samples, frame_samples
from services.voice.echo.filter import EchoFilter
from services.voice.echo.gate import EchoGate
from services.voice.echo.history import History
from services.voice.echo.search import LONGEST, RATE
from services.voice.echo.talker import Talker
from services.voice.echo.watch import EchoWatch

log = structlog.get_logger()

Cancel = Callable[[Samples, Samples], Samples]
"""(heard, played) -> what is left of heard; int16 arrays of one size."""

_ROOM = 0.3  # seconds that a room goes on after the direct echo of the last sample
_LEAD = 0.025  # the canceller is given what was played as if it came back this late, whatever the line's delay
_DRIFT = 0.012  # seconds by which the delay may change before that is adjusted: the canceller follows less by itself
_REPLAYED = 50  # frames, one second, from which the canceller learns a line on which an echo is found (6 ms of work)
_PRIMED = 5  # frames given to it again after a silence, so that its filters hold the present
_AUDIBLE = 16.0  # RMS below which the voice detector hears nothing either
_QUIET = 80.0  # RMS at which canceller and line change places without a click (-52 dBFS)
_LEAVE = 2.0  # seconds after which they do so anyway
_LATENCY = {8000: 86, 16000: 123}  # samples that AEC3 holds back: measured, pywebrtc-audio 0.2.0
_MOVED = 0.005  # seconds by which the delay may change before the linear filter begins anew


class EchoCanceller:
    """Takes the line's own output out of what comes back, for one call.

    Give it every frame: `played` what goes out (silence too), `clean` what comes in. Positions of both count samples
    since the answer at `rate` (8000 or 16000 Hz) and may jump. A frame costs a few microseconds while the secretary is
    silent or nothing comes back, about 0.2 ms while her echo does.
    """

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._watch = EchoWatch(rate)
        self._played: History[np.int16] = History(2 * rate, np.int16)
        self._recent: deque[Frame] = deque(maxlen=_REPLAYED)
        self._echo_until = 0  # the position after the last sample that may hold echo
        self._lag: int | None = None
        self._shift = 0  # samples by which the canceller gets what was played late
        self._cancel: Cancel = _leave_as_is
        self._gate = EchoGate(alone=True)
        self._engaged = False
        self._filter = EchoFilter(rate)
        self._anchor = 0  # the delay that the filter stands at, in samples
        self._linear: Samples = np.zeros(frame_samples(rate), np.int16)  # what the filter left of the last frame
        self._talker = Talker()

    @property
    def delay(self) -> float | None:
        """Seconds after which the line's own voice comes back; None while no echo has been found."""
        return None if self._lag is None else self._lag / self._rate

    def played(self, frame: Frame) -> None:
        """Take the next frame of the line's output. Raises AudioError for another rate."""
        frame.expect_rate(self._rate)
        if not frame.samples.any():
            return  # a history reads as silence where nothing was written
        self._played.write(frame.position, frame.samples)
        self._watch.played(frame)
        lag = round(self._rate * LONGEST / RATE) if self._lag is None else self._lag
        self._echo_until = frame.end + lag + round(self._rate * _ROOM)

    def clean(self, frame: Frame) -> Frame:
        """Return what is left of the caller's next frame: the frame itself while there is no echo to take out.

        Raises AudioError for another rate.
        """
        frame.expect_rate(self._rate)
        self._recent.append(frame)
        if frame.position >= self._echo_until and not self._engaged:
            return frame
        audible = _rms(frame.samples) >= _AUDIBLE
        if self._lag is None:
            return self._look_for_echo(frame, audible)
        self._follow(self._watch.heard(frame, audible))
        left = self._take_out(frame) if self._engaged else self._replay(_PRIMED)
        mute = self._gate.closes(self._watch.likeness(self._lag) if audible else 0.0)
        linear = self._subtract(frame)
        played = self._played.read(frame.position - self._lag, len(frame.samples))
        talks = self._talker.speaks(_rms(frame.samples), _rms(played), self._gate.pure)
        if mute:
            left = np.zeros_like(left)
        elif talks:
            left = linear
        over = frame.position - self._echo_until
        self._engaged = over < 0 or (over < _LEAVE * self._rate and _rms(left) >= _QUIET)
        return Frame(left, frame.rate, frame.position)

    def _look_for_echo(self, frame: Frame, audible: bool) -> Frame:
        self._lag = self._watch.heard(frame, audible)
        if self._lag is None:
            return frame
        log.info("echo found", delay=self.delay)
        canceller = _webrtc(self._rate)
        self._cancel = canceller or _leave_as_is
        self._gate = EchoGate(alone=canceller is None)
        self._align(self._lag)
        self._anchor_at(self._lag)
        self._engaged = True
        return Frame(self._replay(_REPLAYED), frame.rate, frame.position)

    def _follow(self, lag: int | None) -> None:
        """The echo was found again: note where."""
        if lag is None:
            return
        self._lag = lag
        if abs(lag - self._anchor) > _MOVED * self._rate:
            self._anchor_at(lag)
        if abs(lag - round(_LEAD * self._rate) - self._shift) > _DRIFT * self._rate:
            self._align(lag)

    def _subtract(self, frame: Frame) -> Samples:
        """Return what the linear filter leaves, as late as the canceller's own output."""
        last = frame.end - self._anchor + self._filter.before
        played = self._played.read(last - self._filter.size, self._filter.size)
        before, self._linear = self._linear, self._filter.subtract(frame.samples, played, self._gate.pure)
        late = _LATENCY[self._rate]
        return np.concatenate((before[-late:], self._linear[:-late]))

    def _align(self, lag: int) -> None:
        self._shift = max(0, lag - round(_LEAD * self._rate))

    def _anchor_at(self, lag: int) -> None:
        self._anchor = lag
        self._filter.forget()

    def _replay(self, count: int) -> Samples:
        """Give the canceller the last frames; return what is left of the newest."""
        frames = list(self._recent)[-count:]
        return [self._take_out(frame) for frame in frames][-1]

    def _take_out(self, frame: Frame) -> Samples:
        played = self._played.read(frame.position - self._shift, frame_samples(self._rate))
        return self._cancel(frame.samples, played)


def _rms(samples: Samples) -> float:
    """Root mean square value: never below the mean absolute value, and quicker."""
    values = samples.astype(np.float32)
    return math.sqrt(float(values @ values) / len(values))


def _leave_as_is(heard: Samples, played: Samples) -> Samples:  # noqa: ARG001 - the signature of a canceller
    return heard


def _webrtc(rate: int) -> Cancel | None:
    """Make WebRTC's canceller (0.6 MB); None without its package."""
    try:
        from pywebrtc_audio import AudioProcessor
    except ImportError:
        log.warning("The echo is muted, not cancelled: the package pywebrtc-audio is not installed.")
        return None
    processor = AudioProcessor(sample_rate=rate, echo_cancellation=True)
    return lambda heard, played: processor.process(heard, played)
