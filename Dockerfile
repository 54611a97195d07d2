# syntax=docker/dockerfile:1
FROM python:3.11-slim AS build
WORKDIR /build
COPY requirements.lock ./
# Everything comes from the lock and has to have its hashes, uv and the build backend included.
RUN awk '/^uv==/ { found = 1 } found { print } found && !/\\$/ { exit }' requirements.lock > uv.lock \
 && pip install --no-cache-dir --no-deps --require-hashes --requirement uv.lock
COPY pyproject.toml README.md LICENSE ./
COPY src src
# The extras bring the claude CLI, and the stores of a fleet.
RUN uv venv --python python3.11 /opt/modegate \
 && uv pip install --no-cache --compile-bytecode --python /opt/modegate \
    --constraints requirements.lock --build-constraints requirements.lock '.[claude,postgres,redis,s3]'

FROM python:3.11-slim
RUN useradd --system --create-home --uid 10001 modegate \
 && install --directory --owner modegate --group modegate --mode 700 /var/lib/modegate
COPY --from=build /opt/modegate /opt/modegate
USER 10001
WORKDIR /home/modegate
# HOST lets everybody in who reaches the container: set API_KEY, or the start is refused.
ENV PATH=/opt/modegate/bin:$PATH HOST=0.0.0.0 PORT=3456 MODEGATE_STATE_DIR=/var/lib/modegate
VOLUME ["/var/lib/modegate"]
EXPOSE 3456
# Not urllib, which would ask a proxy.
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s CMD \
  ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=4); c.request('GET', '/health'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["modegate"]
CMD ["serve"]
