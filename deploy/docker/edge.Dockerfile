# nginx for a single host: docker build -f deploy/docker/edge.Dockerfile -t aipoten-edge .
# Debian's, as its brotli modules come with it.

FROM debian:bookworm-slim
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install -y --no-install-recommends nginx libnginx-mod-http-brotli-filter libnginx-mod-http-brotli-static \
  && rm -rf /var/lib/apt/lists/* /var/www/html /etc/nginx/sites-enabled \
  && useradd --system --uid 10101 --no-create-home edge
COPY deploy/nginx/nginx.conf /etc/nginx/nginx.conf
COPY deploy/nginx/proxy.conf /etc/nginx/proxy.conf
COPY deploy/nginx/edge.sh /usr/local/bin/edge
USER 10101:10101
EXPOSE 8080 8443
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s CMD ["/usr/local/bin/edge", "health"]
ENTRYPOINT ["/usr/local/bin/edge"]
