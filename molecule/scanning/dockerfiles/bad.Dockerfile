# SPDX-License-Identifier: GPL-3.0-or-later
FROM debian:latest
MAINTAINER somebody
# hadolint ignore=DL3004
RUN sudo apt-get update
ADD app /app
