// Command notes answers questions about notes and Merkle trees with golang.org/x/mod/sumdb, which shares no code with us.
//
// It reads a JSON list of questions on standard input and writes a JSON list of answers in the same order. An answer has
// "error" where the library refuses. All hashes are in hex.
//
//	{"kind": "note", "note": TEXT, "keys": [VERIFIER KEY, ...]}     -> {"text": ..., "verified": [KEY NAME, ...]}
//	{"kind": "sign", "text": TEXT, "signer": SIGNER KEY}             -> {"note": ...}
//	{"kind": "inclusion", "leaf_hash", "index", "size", "path", "root"}              -> {}
//	{"kind": "consistency", "old_size", "old_root", "new_size", "new_root", "path"}  -> {}
//	{"kind": "tree", "leaves": [HEX, ...], "index", "old_size"}      -> {"root", "inclusion", "consistency"}
package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type question struct {
	Kind   string   `json:"kind"`
	Note   string   `json:"note"`
	Keys   []string `json:"keys"`
	Text   string   `json:"text"`
	Signer string   `json:"signer"`

	LeafHash string   `json:"leaf_hash"`
	Index    int64    `json:"index"`
	Size     int64    `json:"size"`
	Root     string   `json:"root"`
	OldSize  int64    `json:"old_size"`
	OldRoot  string   `json:"old_root"`
	NewSize  int64    `json:"new_size"`
	NewRoot  string   `json:"new_root"`
	Path     []string `json:"path"`
	Leaves   []string `json:"leaves"`
}

type answer struct {
	Error       string   `json:"error,omitempty"`
	Text        string   `json:"text,omitempty"`
	Note        string   `json:"note,omitempty"`
	Verified    []string `json:"verified,omitempty"`
	Root        string   `json:"root,omitempty"`
	Inclusion   []string `json:"inclusion,omitempty"`
	Consistency []string `json:"consistency,omitempty"`
}

func main() {
	var questions []question
	if err := json.NewDecoder(os.Stdin).Decode(&questions); err != nil {
		fmt.Fprintln(os.Stderr, "notes: standard input is not a list of questions:", err)
		os.Exit(2)
	}
	answers := []answer{}
	for _, asked := range questions {
		given, err := respond(asked)
		if err != nil {
			given = answer{Error: err.Error()}
		}
		answers = append(answers, given)
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		fmt.Fprintln(os.Stderr, "notes:", err)
		os.Exit(1)
	}
}

func respond(asked question) (answer, error) {
	switch asked.Kind {
	case "note":
		return openNote(asked)
	case "sign":
		return signNote(asked)
	case "inclusion":
		return answer{}, checkInclusion(asked)
	case "consistency":
		return answer{}, checkConsistency(asked)
	case "tree":
		return proveTree(asked)
	}
	fmt.Fprintln(os.Stderr, "notes: no such kind of question:", asked.Kind)
	os.Exit(2)
	return answer{}, nil
}

// openNote knows Ed25519 keys only: the library has no cosignatures, so keys of other types are unknown to it.
func openNote(asked question) (answer, error) {
	var verifiers []note.Verifier
	for _, key := range asked.Keys {
		if verifier, err := note.NewVerifier(key); err == nil {
			verifiers = append(verifiers, verifier)
		}
	}
	opened, err := note.Open([]byte(asked.Note), note.VerifierList(verifiers...))
	if err != nil {
		return answer{}, err
	}
	given := answer{Text: opened.Text}
	for _, signature := range opened.Sigs {
		given.Verified = append(given.Verified, signature.Name)
	}
	return given, nil
}

func signNote(asked question) (answer, error) {
	signer, err := note.NewSigner(asked.Signer)
	if err != nil {
		return answer{}, err
	}
	signed, err := note.Sign(&note.Note{Text: asked.Text}, signer)
	return answer{Note: string(signed)}, err
}

func checkInclusion(asked question) error {
	path, err := hashes(asked.Path)
	if err != nil {
		return err
	}
	ends, err := hashes([]string{asked.Root, asked.LeafHash})
	if err != nil {
		return err
	}
	return tlog.CheckRecord(path, asked.Size, ends[0], asked.Index, ends[1])
}

func checkConsistency(asked question) error {
	path, err := hashes(asked.Path)
	if err != nil {
		return err
	}
	ends, err := hashes([]string{asked.NewRoot, asked.OldRoot})
	if err != nil {
		return err
	}
	return tlog.CheckTree(path, asked.NewSize, ends[0], asked.OldSize, ends[1])
}

// proveTree builds the tree over the leaves and both proofs, for the leaf at index and from the tree of old_size leaves.
func proveTree(asked question) (answer, error) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var found []tlog.Hash
		for _, index := range indexes {
			found = append(found, stored[index])
		}
		return found, nil
	})
	for index, encoded := range asked.Leaves {
		leaf, err := hex.DecodeString(encoded)
		if err != nil {
			return answer{}, err
		}
		added, err := tlog.StoredHashes(int64(index), leaf, reader)
		if err != nil {
			return answer{}, err
		}
		stored = append(stored, added...)
	}
	size := int64(len(asked.Leaves))
	root, err := tlog.TreeHash(size, reader)
	if err != nil {
		return answer{}, err
	}
	inclusion, err := tlog.ProveRecord(size, asked.Index, reader)
	if err != nil {
		return answer{}, err
	}
	consistency, err := tlog.ProveTree(size, asked.OldSize, reader)
	if err != nil {
		return answer{}, err
	}
	return answer{Root: hex.EncodeToString(root[:]), Inclusion: texts(inclusion), Consistency: texts(consistency)}, nil
}

func hashes(encoded []string) ([]tlog.Hash, error) {
	var decoded []tlog.Hash
	for _, each := range encoded {
		data, err := hex.DecodeString(each)
		if err != nil {
			return nil, err
		}
		if len(data) != tlog.HashSize {
			return nil, fmt.Errorf("a hash of %d bytes", len(data))
		}
		var hash tlog.Hash
		copy(hash[:], data)
		decoded = append(decoded, hash)
	}
	return decoded, nil
}

func texts(path []tlog.Hash) []string {
	var encoded []string
	for _, hash := range path {
		encoded = append(encoded, hex.EncodeToString(hash[:]))
	}
	return encoded
}
