# Copyright: (c) 2026, rampart.k8s contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE: for this collection only; it changes without notice.

"""The rules: those of gitleaks, and what it has none for."""

from __future__ import annotations

# A reference to a secret ($NAME, ${NAME}, {{ name }}, <name>, %(name)s) is what should stand there.
CONFIG = r"""
title = "rampart.k8s"

[extend]
useDefault = true

[[rules]]
id = "url-password"
description = "A password in a URL or connection string"
regex = '''(?i)[a-z][a-z0-9+.-]{2,20}://[^\s:@/'"]{0,64}:([^\s:@/'"$<{%\[*]{4,128})@[a-z0-9\[]'''
secretGroup = 1
keywords = ["://"]
[[rules.allowlists]]
description = "Placeholders of documentation"
regexTarget = "secret"
regexes = ['''(?i)^(password|passwd|pass|secret|xxx+|changeme|example|token|pw|user(name)?)$''']

[[rules]]
id = "password-assignment"
description = "A password that is written down beside its name"
regex = '''(?i)\w*(?:passw(?:or)?d|passphrase)["']?[ \t]*[:=][ \t]*["']?([^\s"'$<>{}%\[\](),;*\\]{8,128})'''
secretGroup = 1
entropy = 2.8
keywords = ["password", "passwd", "passphrase"]
[[rules.allowlists]]
description = "Names of other things, and files"
regexTarget = "secret"
regexes = [
  '''^[a-z]+(?:[_.-][a-z]+)*$''',
  '''^[A-Z]+(?:_[A-Z]+)*$''',
  '''^[A-Za-z]?[a-z]+(?:[A-Z][a-z]+)*$''',
  '''^/''',
  '''^[a-z_][a-z0-9_-]*:[x*!]:''',
  '''(?i)^(?:self|os|module|this|params|config|env|vars|args)[._]''',
]

[[rules]]
id = "docker-auth"
description = "A login in a docker configuration"
regex = '''"auth"\s*:\s*"([A-Za-z0-9+/]{12,}={0,2})"'''
secretGroup = 1
keywords = ["\"auth\""]

[[rules]]
id = "netrc-password"
description = "A login in a netrc file"
regex = '''(?i)\bmachine\s+\S+\s+login\s+\S+\s+password\s+(\S{6,})'''
secretGroup = 1
keywords = ["machine"]
"""
