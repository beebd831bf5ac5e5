"""How the conversation on a line behaves."""

from pydantic import BaseModel, Field


class VoiceSettings(BaseModel):
    """Turn-taking, patience and recording. All times in seconds."""

    end_of_turn_finished: float = Field(
        0.3, ge=0.15, le=3, description="silence that ends a turn whose words are complete (a whole question, a yes)"
    )
    end_of_turn: float = Field(0.5, ge=0.2, le=3, description="the same when the words do not tell")
    end_of_turn_unfinished: float = Field(
        1.2, ge=0.2, le=5, description="the same when the words call for more (a conjunction, a number half said)"
    )
    end_of_message: float = Field(2.0, ge=0.5, le=10, description="silence that ends speech nobody can understand")
    longest_turn: float = Field(90.0, ge=10, le=600, description="a turn is ended after this long without a pause")
    turn_model: bool = Field(True, description="ask the audio turn model where its weights are present")
    head_start: float = Field(
        0.12, ge=0, le=1, description="silence after which an answer is begun on trial (0: never before the turn ends)"
    )
    barge_in: float = Field(0.3, ge=0.1, le=2, description="speech over the secretary's that makes it fall silent")
    backchannel: float = Field(
        0.8, ge=0.1, le=3, description="an uh-huh or a yes over the secretary's speech up to this long does not stop it"
    )
    false_interruption: float = Field(
        1.5, ge=0.3, le=10, description="sound without any word over the secretary's speech after which it goes on"
    )
    duck_db: float = Field(-14.0, ge=-60, le=0, description="how far the voice is lowered while the caller speaks too")
    echo_canceller: bool = Field(True, description="take the line's own voice out of what the caller says")
    filler_after: float = Field(1.5, ge=0.3, le=30, description="wait for an answer that is bridged by a short phrase")
    answer_timeout: float = Field(
        10.0, ge=2, le=120, description="wait for an answer after which the secretary says that something is wrong"
    )
    digit_pause: float = Field(1.5, ge=0.3, le=10, description="pause that ends a keyed number (# ends it at once)")
    no_input: float = Field(8.0, ge=2, le=60, description="silence after which the secretary asks if somebody is there")
    transcript_timeout: float = Field(4.0, ge=0.5, le=30, description="how long the ears may think about a turn")
    max_call: float = Field(1800.0, ge=30, le=86400, description="a call longer than this is ended politely")
    record: bool = Field(True, description="keep the recording of each call (a left message's sound is always kept)")
