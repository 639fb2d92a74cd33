package filesink

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Names are the names of the files that a sink makes:
//
//	<base>-<shard>-of-<shards>[-part-<part>]<suffix>
//	<base>[-part-<part>]<suffix>                      if there is one shard by decree
//
// The first part of a shard has no part number, so that an output written in one
// go looks like one.
type names struct {
	dir, base, suffix string
	single            bool
	pattern           *regexp.Regexp
}

func (o Options) names(path string) names {
	n := names{dir: filepath.Dir(path), base: filepath.Base(path), suffix: o.Suffix, single: o.Shards == 1}
	shard := `-(\d{5,9})-of-(\d{5,9})`
	if n.single {
		shard = `()()`
	}
	n.pattern = regexp.MustCompile(`^(\.?)` + regexp.QuoteMeta(n.base) + shard + `(?:-part-(\d{5,18}))?` +
		regexp.QuoteMeta(n.suffix) + `(?:\.(?:([0-9a-f]{16})-)?[0-9a-f]{16}(\.tmp))?$`)
	return n
}

func (n names) final(shard, of, part int) string {
	name := n.base
	if !n.single {
		name += fmt.Sprintf("-%05d-of-%05d", shard, of)
	}
	if part > 0 {
		name += fmt.Sprintf("-part-%05d", part)
	}
	return name + n.suffix
}

// temporary is a hidden name that no other writer has. It tells the owner, if there is one.
func temporary(final, owner string) string {
	var token [8]byte
	rand.Read(token[:])
	if owner != "" {
		owner += "-"
	}
	return "." + final + "." + owner + hex.EncodeToString(token[:]) + ".tmp"
}

// An output is a name as this sink makes them.
type output struct {
	name   string
	hidden bool
	owner  string // of a hidden one; "" is not known
	shard  string // "<shard>-of-<shards>"
	part   int
}

// parse is the output of this name; ok is false if the sink would not make it.
func (n names) parse(name string) (o output, ok bool) {
	m := n.pattern.FindStringSubmatch(name)
	if m == nil || (m[1] == "") != (m[6] == "") {
		return output{}, false
	}
	part, _ := strconv.Atoi(m[4]) // "" is the first
	return output{name, m[1] != "", m[5], m[2] + "-of-" + m[3], part}, true
}

// list is what is there of the sink's output.
func (n names) list() ([]output, error) {
	entries, err := os.ReadDir(n.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var found []output
	for _, entry := range entries {
		if o, ok := n.parse(entry.Name()); ok {
			found = append(found, o)
		}
	}
	return found, nil
}

// nextPart is the first part number of the shard that found does not use, nor
// anything after it.
func (n names) nextPart(shard, of int, found []output) int {
	own, _ := n.parse(n.final(shard, of, 0))
	next := 0
	for _, o := range found {
		if o.shard == own.shard {
			next = max(next, o.part+1)
		}
	}
	return next
}

func (n names) path(name string) string { return filepath.Join(n.dir, name) }

// plain reports whether name is a file name and not a way out of the folder.
func plain(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\x00"+string(os.PathSeparator))
}
