# Two images: `desk` is what runs in production, `sandbox` adds the local AWS for trying it out.
FROM python:3.13-slim AS base
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN useradd --system --uid 10001 --home-dir /app gatehouse \
    && mkdir -p /app /state && chown gatehouse /state
WORKDIR /app

FROM base AS desk
# `app`, or `saml` where people sign in with SAML: docker build --target desk --build-arg LOCK=saml .
ARG LOCK=app
COPY requirements/${LOCK}.txt requirements/
RUN pip install --require-hashes --only-binary :all: -r requirements/${LOCK}.txt
COPY manage.py ./
COPY lambdas lambdas
COPY portal portal
COPY catalog catalog
COPY approvals approvals
# collectstatic reads the settings, which have no defaults for secrets; nothing of these words stays.
RUN DJANGO_SECRET_KEY=build DATABASE_URL=postgres://build:build@build/build python manage.py collectstatic --no-input
USER gatehouse
EXPOSE 8000
CMD ["gunicorn", "portal.wsgi", "--bind=0.0.0.0:8000", "--workers=2", "--threads=4", "--worker-tmp-dir=/dev/shm", "--no-control-socket"]

FROM base AS sandbox
COPY requirements/sandbox.txt requirements/
RUN pip install --require-hashes --only-binary :all: -r requirements/sandbox.txt
COPY manage.py ./
COPY lambdas lambdas
COPY portal portal
COPY catalog catalog
COPY approvals approvals
COPY sandbox sandbox
USER gatehouse
EXPOSE 4566
CMD ["python", "-m", "sandbox", "--host=0.0.0.0", "--port=4566", "--state=/state"]
