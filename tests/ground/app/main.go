// SPDX-License-Identifier: GPL-3.0-or-later

// Command app links what its go.mod pins, so that a scanner finds it in the program.
package main

import (
	"fmt"

	"golang.org/x/crypto/ssh"
	"golang.org/x/net/http2"
	"golang.org/x/text/language"
	"google.golang.org/protobuf/encoding/protojson"
	"gopkg.in/yaml.v2"
)

func main() {
	fmt.Println(ssh.KeyAlgoED25519, http2.NextProtoTLS, language.English, protojson.MarshalOptions{}, yaml.MapSlice{})
}
