# syntax=docker/dockerfile:1
FROM python:3.11-slim AS build
RUN pip install --no-cache-dir uv
WORKDIR /build
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY src src
# Constrained by the lock, so that what runs is what was tested; the claude CLI comes with it.
RUN uv venv /opt/modegate \
 && sed -E 's/ *\\$//; /^ +(--hash|#)/d' requirements.lock > constraints.txt \
 && uv pip install --python /opt/modegate --constraints constraints.txt '.[claude]'

FROM python:3.11-slim
RUN useradd --system --create-home --uid 10001 modegate
COPY --from=build /opt/modegate /opt/modegate
USER modegate
ENV PATH=/opt/modegate/bin:$PATH HOST=0.0.0.0 PORT=3456 MODEGATE_STATE_DIR=/home/modegate/state
# HOST lets everybody in who reaches the container: set API_KEY, or the start is refused.
EXPOSE 3456
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s CMD \
  ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/health', timeout=2)"]
ENTRYPOINT ["modegate"]
CMD ["serve"]
