# SPDX-License-Identifier: GPL-3.0-or-later
FROM debian:12.12-slim
COPY healthy /app/bin/healthy
USER 65532:65532
HEALTHCHECK CMD ["/app/bin/healthy"]
CMD ["/app/bin/healthy"]
