"""The tree of errors: each carries a sentence that a person understands and what to do about it."""


class SecretaryError(Exception):
    """Base of everything the house raises on purpose.

    `message` is one sentence without a traceback's vocabulary; `remedy` says how to mend it, "" when nothing can be.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class SettingsError(SecretaryError):
    """A setting is unknown, malformed or contradicts another."""


class StorageError(SecretaryError):
    """The database or a file under DATA_DIR cannot be read or written."""


class AudioError(SecretaryError):
    """Audio that cannot be read, written or mixed."""


class EngineError(SecretaryError):
    """A speech engine or language model failed."""


class EngineUnavailableError(EngineError):
    """An engine lacks its package, its model folder or its key; the remedy names which."""


class EngineOverloadedError(EngineError):
    """An engine has no free place for one more session; trying later may work."""


class ProviderError(EngineError):
    """A language-model provider refused, failed or went silent.

    `retryable` is True when the same request may succeed later (429, 5xx, a broken connection), False when it never
    will (a wrong key, an unknown model).
    """

    def __init__(self, message: str, remedy: str = "", *, retryable: bool) -> None:
        super().__init__(message, remedy)
        self.retryable = retryable


class LineError(SecretaryError):
    """A line (a phone, a browser, a file) failed or was closed while something was asked of it."""


class NotTakenError(LineError):
    """An outgoing call came to nothing; `outcome` is busy, no_answer, rejected or failed."""

    def __init__(self, message: str, remedy: str = "", *, outcome: str) -> None:
        super().__init__(message, remedy)
        self.outcome = outcome


class PortError(LineError):
    """A serial port is missing, busy or forbidden."""


class ModemError(LineError):
    """The modem refused or did not answer a command."""


class AccountError(SecretaryError):
    """A user that cannot be made or changed as asked: the name is taken or malformed, the password weak."""


class NotFoundError(SecretaryError):
    """There is no such thing, or it is out of reach: who asks is told the same."""


class ConflictError(SecretaryError):
    """What was asked for does not fit what is there now: a name that is taken, a state that forbids it."""


class StaleError(SecretaryError):
    """Somebody else has changed it since it was read."""


class RefusedError(SecretaryError):
    """What was given cannot be accepted, whoever gives it."""


class SignInError(SecretaryError):
    """Nobody is signed in, or the name, the password or the token is not right."""


class SecondFactorError(SignInError):
    """The password is right and the second factor is missing ("totp_required") or wrong ("totp_invalid")."""

    def __init__(self, message: str, remedy: str = "", *, code: str) -> None:
        super().__init__(message, remedy)
        self.code = code


class ForbiddenError(SecretaryError):
    """Whoever is signed in may not do this."""


class TooManyAttemptsError(SecretaryError):
    """Something was tried too often; `retry_after` is in how many seconds it may be tried again."""

    def __init__(self, message: str, remedy: str = "", *, retry_after: float) -> None:
        super().__init__(message, remedy)
        self.retry_after = retry_after


class DeliveryError(SecretaryError):
    """Something did not reach whom it is for.

    `attempts` is how many tries this kind of failure is worth: 12 where the receiver is away, few where it refuses, 1
    where it never will. `retry_after` is in how many seconds the receiver wants to be asked again, None unsaid.
    """

    def __init__(self, message: str, remedy: str = "", *, attempts: int = 12, retry_after: float | None = None) -> None:
        super().__init__(message, remedy)
        self.attempts = attempts
        self.retry_after = retry_after
