// SPDX-License-Identifier: GPL-3.0-or-later

// Command bolt writes a bbolt file from JSON on standard input: an object in an object is a bucket
// in a bucket, and {"": value} is a leaf that holds the value as JSON.
package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"

	"go.etcd.io/bbolt"
)

type tree map[string]json.RawMessage

func fill(bucket *bbolt.Bucket, content tree) error {
	// In one order: the same content makes the same pages.
	for _, name := range slices.Sorted(maps.Keys(content)) {
		var below tree
		if err := json.Unmarshal(content[name], &below); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if leaf, ok := below[""]; ok {
			if err := bucket.Put([]byte(name), leaf); err != nil {
				return err
			}
			continue
		}
		inner, err := bucket.CreateBucketIfNotExists([]byte(name))
		if err != nil {
			return err
		}
		if err := fill(inner, below); err != nil {
			return err
		}
	}
	return nil
}

func write(path string) error {
	var content map[string]tree
	if err := json.NewDecoder(os.Stdin).Decode(&content); err != nil {
		return err
	}
	database, err := bbolt.Open(path, 0o644, nil)
	if err != nil {
		return err
	}
	defer database.Close()
	return database.Update(func(transaction *bbolt.Tx) error {
		for _, name := range slices.Sorted(maps.Keys(content)) {
			bucket, err := transaction.CreateBucketIfNotExists([]byte(name))
			if err != nil {
				return err
			}
			if err := fill(bucket, content[name]); err != nil {
				return err
			}
		}
		return nil
	})
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: bolt FILE < TREE.json")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
