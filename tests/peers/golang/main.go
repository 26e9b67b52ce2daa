// Command main verifies what Lumen writes with Go's own implementation of signed notes and of the Merkle tree.
//
//	main EXPORT VKEY   every checkpoint of an export: signature, root, and proofs between and into the trees
//	main BUNDLE VKEY   the checkpoint and the inclusion proofs of a bundle
//
// It prints one line that ends in "accepted", or what is wrong, and then ends with code 1.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type checkpoint struct {
	origin string
	size   int64
	root   tlog.Hash
}

func main() {
	if len(os.Args) != 3 {
		fail("want: main EXPORT|BUNDLE VKEY")
	}
	verifier, err := note.NewVerifier(os.Args[2])
	check("vkey", err)
	info, err := os.Stat(os.Args[1])
	check("path", err)
	if info.IsDir() {
		export(os.Args[1], note.VerifierList(verifier))
	} else {
		bundle(os.Args[1], note.VerifierList(verifier))
	}
}

func export(folder string, verifiers note.Verifiers) {
	entries, err := os.ReadFile(filepath.Join(folder, "entries.jsonl"))
	check("entries", err)
	leaves, err := os.ReadFile(filepath.Join(folder, "leaves.bin"))
	check("leaves", err)
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			found[i] = stored[index]
		}
		return found, nil
	})
	count := int64(0)
	for len(entries) > 0 {
		end := bytes.IndexByte(entries, '\n')
		if end < 0 {
			fail("the last entry does not end")
		}
		hashes, err := tlog.StoredHashes(count, entries[:end], reader)
		check("tree", err)
		if hashes[0] != tlog.RecordHash(entries[:end]) || !bytes.Equal(hashes[0][:], leaves[32*count:32*count+32]) {
			fail("entry %d does not have its leaf hash", count)
		}
		stored = append(stored, hashes...)
		entries, count = entries[end+1:], count+1
	}
	paths, err := filepath.Glob(filepath.Join(folder, "checkpoints", "*.note"))
	check("checkpoints", err)
	sort.Strings(paths)
	proofs := 0
	var before *checkpoint
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		check(path, err)
		now := open(path, raw, verifiers)
		if now.size > count {
			fail("%s is over %d entries, there are %d", path, now.size, count)
		}
		root, err := tlog.TreeHash(now.size, reader)
		check(path, err)
		if root != now.root {
			fail("%s has another root", path)
		}
		if before != nil && before.size > 0 {
			proof, err := tlog.ProveTree(now.size, before.size, reader)
			check(path, err)
			check(path, tlog.CheckTree(proof, now.size, now.root, before.size, before.root))
			proofs++
		}
		if now.size > 0 {
			proof, err := tlog.ProveRecord(now.size, now.size-1, reader)
			check(path, err)
			leaf := stored[tlog.StoredHashIndex(0, now.size-1)]
			check(path, tlog.CheckRecord(proof, now.size, now.root, now.size-1, leaf))
			proofs++
		}
		before = &now
	}
	if before == nil || before.size != count {
		fail("no checkpoint is over all %d entries", count)
	}
	fmt.Printf("%d entries, %d checkpoints, %d proofs: accepted\n", count, len(paths), proofs)
}

func bundle(path string, verifiers note.Verifiers) {
	raw, err := os.ReadFile(path)
	check(path, err)
	var content struct {
		Checkpoint string
		Entries    []struct {
			Entry string
			Proof []string
		}
	}
	check(path, json.Unmarshal(raw, &content))
	tree := open("checkpoint", []byte(content.Checkpoint), verifiers)
	for _, item := range content.Entries {
		var fields struct{ Seq int64 }
		check("entry", json.Unmarshal([]byte(item.Entry), &fields))
		var proof tlog.RecordProof
		for _, text := range item.Proof {
			hash, err := tlog.ParseHash(text)
			check("proof", err)
			proof = append(proof, hash)
		}
		check("entry "+strconv.FormatInt(fields.Seq, 10),
			tlog.CheckRecord(proof, tree.size, tree.root, fields.Seq, tlog.RecordHash([]byte(item.Entry))))
	}
	fmt.Printf("%d entries in a tree of %d: accepted\n", len(content.Entries), tree.size)
}

func open(place string, raw []byte, verifiers note.Verifiers) checkpoint {
	opened, err := note.Open(raw, verifiers)
	check(place, err)
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		fail("%s is not a checkpoint", place)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(place, err)
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	check(place, err)
	if len(root) != tlog.HashSize || opened.Sigs[0].Name != lines[0] {
		fail("%s: its root or its origin is not that of a checkpoint", place)
	}
	found := checkpoint{origin: lines[0], size: size}
	copy(found.root[:], root)
	return found
}

func check(place string, err error) {
	if err != nil {
		fail("%s: %v", place, err)
	}
}

func fail(format string, arguments ...interface{}) {
	fmt.Fprintf(os.Stderr, format+"\n", arguments...)
	os.Exit(1)
}
