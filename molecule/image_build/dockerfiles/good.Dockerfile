# SPDX-License-Identifier: GPL-3.0-or-later
ARG BASE
FROM ${BASE} AS build

COPY --chown=65532:65532 app/ /tmp/app/
# It fails where there is more than the loopback: a build has no network unless it is given one.
RUN ["/usr/bin/busybox", "sh", "-c", "set -e; cd /sys/class/net; test \"$(echo *)\" = lo; date > /tmp/app/built; touch /tmp/app/empty"]

FROM ${BASE}

COPY --from=build --chown=0:0 /tmp/app/greeting /tmp/app/empty /app/
USER 65532:65532
HEALTHCHECK CMD ["/usr/bin/busybox", "true"]
CMD ["/usr/bin/busybox", "cat", "/app/greeting"]
