"""What is measured and where it goes: settings under SECRETARY_TELEMETRY__."""

from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, field_validator


class TelemetrySettings(BaseModel):
    """Metrics and traces."""

    metrics: bool = Field(True, description="count calls and their times for GET /metrics (Prometheus)")
    metrics_token: SecretStr = Field(
        SecretStr(""),
        description="who asks for /metrics shows this as a bearer token; empty: only this machine is answered",
    )
    otlp_endpoint: str = Field(
        "",
        description="OpenTelemetry collector that traces of calls go to, by OTLP over HTTP, for example "
        "http://127.0.0.1:4318; empty: what OTEL_EXPORTER_OTLP_ENDPOINT names, and without it nowhere",
    )

    @field_validator("otlp_endpoint")
    @classmethod
    def _an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError("it is an address like http://127.0.0.1:4318")
        return value.rstrip("/")
