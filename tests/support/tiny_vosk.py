"""A Vosk model of two kilobytes, written by hand, that the real library loads: it knows one word, "sound".

Kaldi's text format for the acoustic model (two phones, silence and sound, told apart by the loudness coefficient of
the MFCC in one affine layer), OpenFst's binary format for the graph: from any state to silence, or to the word.
"""

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

WORD = "sound"
WORD_COST = 15.0
"""Keeps a loud stretch one word: a new word must be worth it."""

_MFCC = """--sample-frequency={rate}
--use-energy=false
--num-ceps=13
--low-freq=20
--high-freq=3700
--dither=0
"""
_MODEL = """--beam=10.0
--lattice-beam=4.0
--acoustic-scale=1.0
--frame-subsampling-factor=3
--endpoint.silence-phones=1
--endpoint.rule2.min-trailing-silence=0.5
--endpoint.rule3.min-trailing-silence=0.75
"""
_TRANSITIONS = """<TransitionModel>
<Topology>
<TopologyEntry>
<ForPhones>
1 2
</ForPhones>
<State> 0 <PdfClass> 0 <Transition> 0 0.5 <Transition> 1 0.5 </State>
<State> 1 </State>
</TopologyEntry>
</Topology>
<Triples> 2
1 0 0
2 0 1
</Triples>
<LogProbs>
 [ 0 -0.6931472 -0.6931472 -0.6931472 -0.6931472 ]
</LogProbs>
</TransitionModel>
"""
_NETWORK = """<Nnet3>

input-node name=input dim=13
component-node name=affine component=affine input=input
output-node name=output input=affine objective=linear

<NumComponents> 1
<ComponentName> affine <FixedAffineComponent> <LinearParams>  [
  -0.1 0 0 0 0 0 0 0 0 0 0 0 0
  0.1 0 0 0 0 0 0 0 0 0 0 0 0 ]
<BiasParams>  [ 6 -6 ]
</FixedAffineComponent> </Nnet3> <LeftContext> 0 <RightContext> 0 <Priors>  [ ]
"""
_ANYWHERE, _SILENT, _LOUD = range(3)
_ARCS: Mapping[int, Sequence[tuple[int, int, float, int]]] = {
    # transition-id, word, cost, next state; ids 1 and 3 stay in silence and sound, 2 and 4 enter them
    _ANYWHERE: ((2, 0, 0.0, _SILENT), (4, 1, WORD_COST, _LOUD)),
    _SILENT: ((1, 0, 0.0, _SILENT), (0, 0, 0.0, _ANYWHERE)),
    _LOUD: ((3, 0, 0.0, _LOUD), (0, 0, 0.0, _ANYWHERE)),
}


def make_tiny_vosk(folder: Path, rate: int = 16000) -> None:
    """Write the model into `folder`; it wants sound of `rate` Hz, as the published ones want 16 kHz."""
    files = {
        "conf/mfcc.conf": _MFCC.format(rate=rate).encode(),
        "conf/model.conf": _MODEL.encode(),
        "am/final.mdl": (_TRANSITIONS + _NETWORK).encode(),
        "graph/words.txt": f"<eps> 0\n{WORD} 1\n#0 2\n<s> 3\n</s> 4\n".encode(),
        "graph/phones/word_boundary.int": b"1 nonword\n2 singleton\n",
        "graph/HCLG.fst": _graph(),
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def _graph() -> bytes:
    """OpenFst's VectorFst: a header, then each state's final cost, its number of arcs, and the arcs."""
    magic, version, start = 2125659606, 2, _ANYWHERE
    arcs = sum(len(each) for each in _ARCS.values())
    graph = struct.pack("<i", magic) + _text("vector") + _text("standard")
    graph += struct.pack("<iiQqqq", version, 0, 3, start, len(_ARCS), arcs)
    for state in _ARCS:
        graph += struct.pack("<fq", 0.0, len(_ARCS[state]))
        graph += b"".join(struct.pack("<iifi", *arc) for arc in _ARCS[state])
    return graph


def _text(text: str) -> bytes:
    return struct.pack("<i", len(text)) + text.encode()
