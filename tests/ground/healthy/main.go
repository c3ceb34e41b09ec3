// SPDX-License-Identifier: GPL-3.0-or-later

// Command healthy links nothing that an advisory names.
package main

import (
	"fmt"

	"golang.org/x/text/language"
)

func main() {
	fmt.Println(language.English)
}
