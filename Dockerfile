# syntax=docker/dockerfile:1
# Loa in two images: `docker build --target cpu -t loa:cpu .` and `docker build --target cuda -t loa:cuda .`
# Both hold every part; the command says which runs: `api`, `worker --queues speak`, `worker --queues plan,assemble`.

FROM python:3.11-slim-bookworm AS base
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY requirements/ requirements/
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --require-hashes -r requirements/pip.lock \
    && pip install --no-deps --only-binary :all: --require-hashes -r requirements/loa.lock

# The project alone, as a wheel: a change of the code rebuilds nothing else.
FROM base AS wheel
COPY pyproject.toml README.md LICENSE ./
COPY loa/ loa/
COPY api/ api/
COPY worker/ worker/
COPY voices/ voices/
RUN pip wheel --no-deps --no-build-isolation --no-index --wheel-dir /wheels .

FROM base AS torch-cpu
# PyPI has only CUDA builds for Linux; PyTorch's own index has the CPU build under this exact version.
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --no-deps --only-binary :all: --extra-index-url https://download.pytorch.org/whl/cpu \
    $(sed -n 's/^torch==.*/&+cpu/p; /^torchaudio==/p' requirements/torch.in)

FROM base AS torch-cuda
# CUDA's libraries come with it; the host needs a driver and the NVIDIA Container Toolkit.
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --no-deps --only-binary :all: --require-hashes -r requirements/torch.lock

FROM torch-cpu AS cpu
LABEL org.opencontainers.image.title="Loa" \
      org.opencontainers.image.description="Text in, speech out: API and workers. Contains espeak-ng through piper-tts (GPL-3.0-or-later), FFmpeg (LGPL-3.0-or-later) with x264 and x265 (GPL-2.0-or-later) through av, and libsoxr through soxr (LGPL-2.1-or-later)." \
      org.opencontainers.image.licenses="Apache-2.0 AND GPL-2.0-or-later AND GPL-3.0-or-later AND LGPL-2.1-or-later AND LGPL-3.0-or-later"
RUN --mount=from=wheel,source=/wheels,target=/wheels pip install --no-deps --no-index /wheels/*.whl \
    && useradd --uid 10001 --create-home loa && install --directory --owner loa --group loa /data
ENV LOA_DATA_DIR=/data LOA_HOST=0.0.0.0
USER loa
WORKDIR /data
VOLUME /data
EXPOSE 8298
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-m", "loa.health", "api"]
ENTRYPOINT ["loa"]
CMD ["api"]

FROM torch-cuda AS cuda
LABEL org.opencontainers.image.title="Loa for NVIDIA GPUs" \
      org.opencontainers.image.description="Text in, speech out: API and workers. Contains espeak-ng through piper-tts (GPL-3.0-or-later), FFmpeg (LGPL-3.0-or-later) with x264 and x265 (GPL-2.0-or-later) through av, and libsoxr through soxr (LGPL-2.1-or-later)." \
      org.opencontainers.image.licenses="Apache-2.0 AND GPL-2.0-or-later AND GPL-3.0-or-later AND LGPL-2.1-or-later AND LGPL-3.0-or-later"
RUN --mount=from=wheel,source=/wheels,target=/wheels pip install --no-deps --no-index /wheels/*.whl \
    && useradd --uid 10001 --create-home loa && install --directory --owner loa --group loa /data
ENV LOA_DATA_DIR=/data LOA_HOST=0.0.0.0 NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER loa
WORKDIR /data
VOLUME /data
EXPOSE 8298
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-m", "loa.health", "api"]
ENTRYPOINT ["loa"]
CMD ["api"]
