# The secretary in a container: docker build -t ai-secretary .
# Two stages: what builds stays behind; what runs is Python, the locked packages and the product, without root.
FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/secretary
WORKDIR /src
# The list changes seldom: its layer is kept while the product changes.
COPY requirements/sip.txt requirements/sip.txt
RUN /opt/secretary/bin/pip install --no-deps --require-hashes -r requirements/sip.txt
COPY . .
RUN /opt/secretary/bin/pip install --no-deps --no-build-isolation .

FROM python:3.11-slim-bookworm
# libgomp1: the runtime of the speech engines; postgresql-client: pg_dump for backups.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgomp1 postgresql-client \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 secretary \
    && usermod --append --groups dialout secretary \
    && install -d -o secretary -g secretary -m 700 /srv/secretary/data \
    && install -d -o secretary -g secretary /srv/secretary/models
COPY --from=build /opt/secretary /opt/secretary
COPY --chown=secretary models/catalogue.toml /srv/secretary/models/catalogue.toml
ENV PATH=/opt/secretary/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    SECRETARY_HOST=0.0.0.0 \
    SECRETARY_LOG_FORMAT=json \
    SECRETARY_DATA_DIR=/srv/secretary/data \
    SECRETARY_MODELS_DIR=/srv/secretary/models
WORKDIR /srv/secretary
USER secretary
VOLUME ["/srv/secretary/data", "/srv/secretary/models"]
EXPOSE 8002
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8002/healthz', timeout=4)"]
# The secretary ends calls politely on SIGTERM; docker waits 10 s unless told to wait longer (stop_grace_period).
CMD ["secretary", "serve"]
