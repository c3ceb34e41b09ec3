# SPDX-License-Identifier: GPL-3.0-or-later
# kube-proxy with the one tool it calls: nft and the libraries that nft is linked to.
ARG BASE
FROM ${BASE} AS base
RUN set -eu; \
    for file in /usr/sbin/nft $(ldd /usr/sbin/nft | grep -o '/[^ ]*'); do \
      install -D -m 0755 "${file}" "/out${file}"; \
    done

FROM scratch
COPY --from=base /out/ /
COPY kube-proxy /usr/local/bin/kube-proxy
ENV PATH=/usr/local/bin:/usr/sbin
