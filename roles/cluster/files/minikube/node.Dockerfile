# SPDX-License-Identifier: GPL-3.0-or-later
# The node image of an air-gapped minikube: Debian with systemd and sshd, containerd and the CNI
# plugins, and what minikube's own image adds to that. kicbase/ is the folder deploy/kicbase of
# the minikube version in use; it is taken from there when the image is built.
ARG BASE
FROM ${BASE}

ARG MINIKUBE_VERSION
COPY bin/ /usr/local/bin/
COPY cni/ /opt/cni/bin/
COPY containerd.service /usr/lib/systemd/system/containerd.service
COPY sshd-host-keys.conf /etc/systemd/system/ssh.service.d/host-keys.conf
COPY kicbase/10-network-security.conf kicbase/11-tcp-mtu-probing.conf /etc/sysctl.d/
COPY kicbase/containerd.toml /etc/containerd/config.toml
COPY kicbase/entrypoint /usr/local/bin/entrypoint
COPY kicbase/automount/minikube-automount /usr/sbin/minikube-automount
COPY kicbase/automount/minikube-automount.service kicbase/scheduled-stop/minikube-scheduled-stop.service /usr/lib/systemd/system/
COPY kicbase/scheduled-stop/minikube-scheduled-stop /var/lib/minikube/scheduled-stop/

# Units that belong to a machine, not to a container, are taken out of the boot. systemd-binfmt
# would write to the kernel of the host.
# Without the right to lower oom_score_adj containerd has to be told to stay above its own; minikube
# would turn that off again if the line were written with spaces around the equals sign.
RUN set -eu; \
    chmod 0755 /usr/local/bin/* /opt/cni/bin/* /usr/sbin/minikube-automount \
      /var/lib/minikube/scheduled-stop/minikube-scheduled-stop; \
    chmod 0644 /usr/lib/systemd/system/*.service /etc/containerd/config.toml /etc/sysctl.d/*.conf; \
    rm -f /etc/ssh/ssh_host_*_key* /etc/machine-id; \
    touch /etc/machine-id; \
    find /usr/lib/systemd/system/sysinit.target.wants -name systemd-tmpfiles-setup.service -delete; \
    rm -f /usr/lib/systemd/system/multi-user.target.wants/* /etc/systemd/system/*.wants/* \
      /usr/lib/systemd/system/local-fs.target.wants/* /usr/lib/systemd/system/basic.target.wants/* \
      /usr/lib/systemd/system/sockets.target.wants/*udev* \
      /usr/lib/systemd/system/sockets.target.wants/*initctl*; \
    systemctl mask systemd-binfmt.service systemd-udevd.service; \
    systemctl enable ssh.service minikube-automount.service; \
    printf 'ReadKMsg=no\n' >> /etc/systemd/journald.conf; \
    printf 'PasswordAuthentication no\n' > /etc/ssh/sshd_config.d/minikube.conf; \
    sed -i 's/^ *restrict_oom_score_adj = .*/    restrict_oom_score_adj=true/' /etc/containerd/config.toml; \
    sed -ri 's/^(hosts:[[:space:]]*).*/\1files dns/' /etc/nsswitch.conf; \
    groupadd -f docker; \
    useradd -m -s /bin/bash -g docker -G sudo -p '*' docker; \
    printf '%%sudo ALL=(ALL) NOPASSWD:ALL\n' > /etc/sudoers.d/20-passwordless-sudo; \
    chmod 0440 /etc/sudoers.d/20-passwordless-sudo; \
    install -d -o docker -g docker -m 0700 /home/docker/.ssh; \
    mkdir -p /kind /etc/kubernetes/manifests; \
    printf '{"minikube_version": "%s"}\n' "${MINIKUBE_VERSION}" > /version.json

ENV container=docker
EXPOSE 22
# systemd shuts down in order on this signal; on SIGTERM it would only re-execute itself.
STOPSIGNAL SIGRTMIN+3
ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]
