"""A Whisper of about a megabyte with random weights, in the layout of a converted model. It understands nothing, but
faster-whisper loads it and decodes with it as with any other. Needs torch and transformers."""

from importlib import import_module
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "ru")
TIMESTAMPS = 1501


def make_tiny_whisper(folder: Path, work: Path, seed: int = 7) -> None:
    """Write the CTranslate2 model into `folder`, which must not exist; `work` holds the unconverted one."""
    # By name, so that neither mypy nor a plain test run needs them.
    torch: Any = import_module("torch")
    transformers: Any = import_module("transformers")
    converters: Any = import_module("ctranslate2.converters")
    tokens = _write_tokenizer(work)
    config = transformers.WhisperConfig(
        vocab_size=len(tokens) + TIMESTAMPS,
        d_model=64,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=128,
        decoder_ffn_dim=128,
        init_std=0.4,  # wide enough that what is heard changes what is written
        pad_token_id=tokens["<|endoftext|>"],
        bos_token_id=tokens["<|endoftext|>"],
        eos_token_id=tokens["<|endoftext|>"],
        decoder_start_token_id=tokens["<|startoftranscript|>"],
    )
    torch.manual_seed(seed)
    model = transformers.WhisperForConditionalGeneration(config)
    # Only letters come out: what is no text is suppressed, as published models suppress it.
    given: dict[str, Any] = {
        "suppress_tokens": sorted(number for token, number in tokens.items() if not token.isalpha()),
        "begin_suppress_tokens": [tokens["<|endoftext|>"]],
        "lang_to_id": {f"<|{language}|>": tokens[f"<|{language}|>"] for language in LANGUAGES},
        "is_multilingual": True,
    }
    for name, value in given.items():
        setattr(model.generation_config, name, value)
    model.save_pretrained(work)
    converter = converters.TransformersConverter(str(work), copy_files=["tokenizer.json"])
    converter.convert(str(folder), quantization="int8")


def _write_tokenizer(work: Path) -> dict[str, int]:
    """Write a byte-level tokenizer without merges; return its vocabulary."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    # The empty string is what CTranslate2 knows a multilingual vocabulary by.
    plain = [*sorted(pre_tokenizers.ByteLevel.alphabet()), ""]
    special = ["endoftext", "startoftranscript", *LANGUAGES, "translate", "transcribe", "startoflm", "startofprev"]
    special += ["nospeech", "notimestamps"]
    tokenizer = Tokenizer(models.BPE({token: number for number, token in enumerate(plain)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(f"<|{name}|>", special=True) for name in special])
    fast: Any = import_module("transformers").PreTrainedTokenizerFast
    fast(tokenizer_object=tokenizer, eos_token="<|endoftext|>").save_pretrained(work)
    vocabulary: dict[str, int] = tokenizer.get_vocab()
    return vocabulary
