# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How secrets and their classes are declared."""

from __future__ import annotations


class ModuleDocFragment:
    """Documents module_utils/_secrets/options.py."""

    DOCUMENTATION = r"""
options:
  secrets:
    description:
      - The secrets. A declaration says how values are made and holds none, but those that are given by
        O(secrets[].keys[].value).
    type: list
    elements: dict
    required: true
    suboptions:
      namespace:
        description: The namespace of the Secret and of its consumers.
        type: str
        required: true
      name:
        description:
          - The name of the Secret, with a suffix for each content under O(secrets[].strategy=versioned).
        type: str
        required: true
      secret_class:
        description: The class, which says how old it may become. See O(classes).
        type: str
        required: true
        aliases: [class]
      type:
        description: The type of the Secret.
        type: str
        default: Opaque
      owner:
        description: Who answers for it, for people and for reports.
        type: str
        default: ''
      strategy:
        description:
          - With V(overlap), old and new are accepted side by side while the consumers change over. The Secret
            keeps its name.
          - With V(versioned), each content is an immutable Secret of its own, and references are led from
            one to the next.
          - With V(in_place), the backend accepts one credential only. Between its change and the restart of a
            consumer that consumer is refused; use it where nothing else is possible.
        type: str
        choices: [overlap, versioned, in_place]
        default: overlap
      keys:
        description: The entries of the Secret.
        type: list
        elements: dict
        required: true
        suboptions:
          name:
            description:
              - The key. The generators V(tls) and V(authority) make C(tls.crt), C(tls.key) and C(ca.crt),
                whatever stands here.
            type: str
            required: true
          generator:
            description:
              - How the value is made.
              - V(password), random letters of O(secrets[].keys[].alphabet).
              - V(bytes), random bytes.
              - V(key_pair), a private key in PKCS#8, with its public half under
                O(secrets[].keys[].public_name).
              - V(signing_keys), a set of JSON Web Keys that tokens are signed with, each with a C(kid); the
                first one signs. V(jwks), the public set of another secret's signing keys.
              - V(tls), a key with a certificate from another secret's authority or from a signer of the
                Kubernetes API. V(authority), such an authority.
              - V(docker_config), what images are pulled with.
              - V(template), a text that is put together from other keys. V(constant), a text that is no
                secret.
              - V(value), a value that is given by a lookup or a file.
              - V(backend), what the backend issues, such as the name of the user whose turn it is.
            type: str
            choices:
              - password
              - bytes
              - key_pair
              - signing_keys
              - jwks
              - tls
              - authority
              - docker_config
              - template
              - constant
              - value
              - backend
            default: password
          alphabet:
            description: The letters of a password, each once. Letters and digits when it is not set.
            type: str
          entropy_bits:
            description: How hard a password is to guess; its length follows from it and the alphabet.
            type: int
            default: 192
          size:
            description: The number of random bytes.
            type: int
            default: 32
          encoding:
            description: How random bytes are written.
            type: str
            choices: [raw, hex, base64]
            default: raw
          algorithm:
            description:
              - Of a V(key_pair) one of C(ec-p256), C(ec-p384), C(ed25519) (when it is not set), C(rsa-2048),
                C(rsa-3072) and C(rsa-4096).
              - Of V(signing_keys) one of C(EdDSA), C(ES256) (when it is not set), C(ES384), C(RS256) and
                C(HS256), a shared key without a public half.
              - Of V(tls) and V(authority) one of C(ec-p256) (when it is not set), C(ec-p384), C(rsa-2048),
                C(rsa-3072) and C(rsa-4096).
            type: str
          public_name:
            description: The key that gets the public half of a key pair.
            type: str
          source:
            description: The secret whose signing keys are published.
            type: str
          source_key:
            description: The key of O(secrets[].keys[].source) that holds the signing keys.
            type: str
          ca:
            description: The secret with the authority that signs a certificate.
            type: str
          signer_name:
            description: The signer of the Kubernetes API that signs a certificate, instead of an authority.
            type: str
          common_name:
            description: The common name of a certificate, its first DNS name if unset, or of an authority.
            type: str
          dns:
            description: The DNS names of a certificate.
            type: list
            elements: str
            default: []
          addresses:
            description: The IP addresses of a certificate.
            type: list
            elements: str
            default: []
          usages:
            description: What a certificate is for. A server's when the list is empty.
            type: list
            elements: str
            choices: [server, client]
            default: []
          days:
            description:
              - How long a certificate lives, 90 days when it is not set, and an authority 3650 days. It is
                due when two thirds of this are over, or earlier by its class.
            type: int
          registry:
            description: The registry that images are pulled from.
            type: str
          username:
            description: The user at the registry.
            type: str
          text:
            description:
              - The text of a V(constant) or V(template). In a template V(${KEY}) stands for the value of
                another key of the same Secret, and V(${KEY|url}) for its form in a URL.
            type: str
          value:
            description:
              - The value, best from a lookup. Another value than the present one is a reason to rotate.
              - With V(docker_config) it is the password.
            type: str
          file:
            description: A file with the value, on the machine that the module runs on.
            type: path
      backend:
        description:
          - The system that accepts the credential. Without it, nothing but its consumers knows the secret.
        type: dict
        suboptions:
          postgresql:
            description:
              - Login roles of a PostgreSQL server. The rotator needs no right over other roles; it calls the
                functions of C(roles/secrets/files/postgresql/rotator.sql).
              - The connection is verified TLS with SCRAM, and passwords never leave the module.
            type: dict
            suboptions:
              service:
                description: The Service in front of the server, reached over the API server.
                type: dict
                suboptions: &service
                  namespace:
                    description: Its namespace, that of the secret when it is not set.
                    type: str
                  name:
                    description: Its name.
                    type: str
                    required: true
                  port:
                    description: Its port.
                    type: int
                    required: true
              host:
                description: The host of a server outside of the cluster.
                type: str
              port:
                description: Its port.
                type: int
                default: 5432
              database:
                description: The database to connect to, where the rotator's functions are.
                type: str
                default: postgres
              admin_secret:
                description:
                  - The Secret with C(username) and C(password) of the rotator. Without it the role sets its
                    own password, which only O(secrets[].strategy=in_place) allows.
                type: str
              ca_secret:
                description:
                  - The Secret whose C(ca.crt) the server's certificate is verified with. Without it, the
                    system's own authorities are trusted.
                type: str
              server_name:
                description: The name that the certificate is for. NAME.NAMESPACE.svc when it is not set.
                type: str
              roles:
                description:
                  - The two roles that alternate. Without them the role in the Secret keeps its name, which
                    only O(secrets[].strategy=in_place) allows.
                type: list
                elements: str
                default: []
              username_key:
                description: The key with the name of the role.
                type: str
                default: username
              password_key:
                description: The key with its password.
                type: str
                default: password
              timeout:
                description: Seconds to wait for a connection.
                type: int
                default: 10
          http:
            description:
              - An HTTP API. In paths, headers and bodies V(${new.KEY}), V(${old.KEY}), V(${admin.KEY}),
                V(${rotation.id}), V(${secret.name}) and V(${secret.namespace}) are replaced.
            type: dict
            suboptions:
              service:
                description: The Service in front of the API, reached over the API server of the cluster.
                type: dict
                suboptions: *service
              url:
                description:
                  - The address of the API. Without TLS only an address of this machine or a Service is
                    accepted.
                type: str
                required: true
              admin_secret:
                description: The Secret with what the API is ruled with.
                type: str
              ca_secret:
                description: The Secret whose C(ca.crt) the API's certificate is verified with.
                type: str
              issue:
                description:
                  - Has the API make a credential; O(secrets[].backend.http.issue.results) fetches it.
                type: dict
                suboptions: &request
                  method:
                    description: The method.
                    type: str
                    choices: [GET, POST, PUT, PATCH, DELETE]
                    default: POST
                  path:
                    description: The path below the address of the API.
                    type: str
                    required: true
                  headers:
                    description: The headers.
                    type: dict
                    default: {}
                  body:
                    description: The body, sent as JSON unless it is a text.
                    type: raw
                  accept:
                    description: The status codes that mean success.
                    type: list
                    elements: int
                    default: [200, 201, 202, 204]
                  results:
                    description: Keys of the Secret, each with a JSON pointer into the answer.
                    type: dict
                    default: {}
              discard:
                description: Removes what an earlier O(secrets[].backend.http.issue) of this rotation left.
                type: dict
                suboptions: *request
              set:
                description: Has the API accept a credential that was made here.
                type: dict
                suboptions: *request
              test:
                description: Uses the new credential. The present one is tested with it before.
                type: dict
                required: true
                suboptions: *request
              usage:
                description: Tells by the result C(in_use) how often the old credential is used now.
                type: dict
                suboptions: *request
              revoke:
                description: Has the API refuse the old credential, and on the way back the new one.
                type: dict
                suboptions: *request
              timeout:
                description: Seconds to wait for an answer.
                type: int
                default: 10
          command:
            description:
              - A program on the machine that the module runs on. It is asked in JSON on standard input; see
                the guide of rotation.
            type: dict
            suboptions:
              argv:
                description: The program and its arguments. Not for secrets.
                type: list
                elements: str
                required: true
              admin_secret:
                description: The Secret with what it needs; it gets that on standard input.
                type: str
              timeout:
                description: Seconds that an answer may take.
                type: int
                default: 60
          service_account:
            description:
              - A token of a ServiceAccount, for those outside of the cluster. It is bound to a Secret of its
                own and revoked with that.
            type: dict
            suboptions:
              name:
                description: The ServiceAccount, in the namespace of the secret.
                type: str
                required: true
              token_key:
                description: The key with the token; its generator is V(backend).
                type: str
                default: token
              audiences:
                description: Whom the token is for. The API server itself when the list is empty.
                type: list
                elements: str
                default: []
              expiration_seconds:
                description: How long the token lives at most.
                type: int
                default: 5184000
          key_list:
            description:
              - A Secret whose entries are the keys that a service accepts. The service must load it by itself
                and say so by the annotation C(rampart.k8s/reload).
            type: dict
            suboptions:
              namespace:
                description: The namespace of the list, that of the secret when it is not set.
                type: str
              name:
                description: The Secret with the accepted keys. It is made with its first one.
                type: str
                required: true
              key:
                description: The key of the rotated secret whose value is listed.
                type: str
                required: true
              timeout:
                description: Seconds until every pod of the service has to hold a new key.
                type: int
                default: 120
  classes:
    description:
      - Classes of secrets by name, laid over the known ones. A class has C(max_age_days), C(sensitivity),
        C(grace_seconds) (how long the old one stays valid in any case) and C(longest_overlap_hours) (for how
        long it may be used still before that is a failure).
      - Known are C(api_key) (30 days), C(token) (30), C(database) (90), C(tls) (90), C(registry) (90),
        C(signing) (365, an hour of grace) and C(authority) (1825).
    type: dict
    default: {}
"""
