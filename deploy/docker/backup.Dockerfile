# What makes, ships and restores backups: docker build -f deploy/docker/backup.Dockerfile -t aipoten-backup .

FROM debian:bookworm-slim
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install -y --no-install-recommends age ca-certificates postgresql-client-15 rclone zstd \
  && rm -rf /var/lib/apt/lists/* \
  && useradd --system --uid 10102 --no-create-home backup-runner
ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
COPY deploy/backup /opt/backup
USER 10102:10102
ENTRYPOINT ["/opt/backup/backup.sh"]
CMD ["run"]
