# SPDX-License-Identifier: GPL-3.0-or-later
ARG BASE
FROM ${BASE}

MAINTAINER somebody
COPY app/ /app/
ENTRYPOINT echo never
