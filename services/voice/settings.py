"""How the conversation on a line behaves."""

from pydantic import BaseModel, Field


class VoiceSettings(BaseModel):
    """Turn-taking, patience and recording. All times in seconds."""

    end_of_turn: float = Field(0.55, ge=0.2, le=3, description="silence that ends a caller's turn")
    end_of_turn_unfinished: float = Field(
        1.1, ge=0.2, le=5, description="the same when the words so far call for more (a conjunction, a number)"
    )
    end_of_message: float = Field(2.0, ge=0.5, le=10, description="silence that ends speech nobody can understand")
    barge_in: float = Field(0.3, ge=0.1, le=2, description="speech over the secretary's that stops it")
    digit_pause: float = Field(1.5, ge=0.3, le=10, description="pause that ends a keyed number (# ends it at once)")
    no_input: float = Field(8.0, ge=2, le=60, description="silence after which the secretary asks if somebody is there")
    transcript_timeout: float = Field(4.0, ge=0.5, le=30, description="how long the ears may think about a turn")
    max_call: float = Field(1800.0, ge=30, le=86400, description="a call longer than this is ended politely")
    record: bool = Field(True, description="keep the recording of each call (a left message's sound is always kept)")
