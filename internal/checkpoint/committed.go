package checkpoint

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// The note COMMITTED has a line for each checkpoint of the directory whose output is
// committed: its number and the checksum of its manifest. So a checkpoint that got a
// number which another had before is not taken for that one, and whoever goes back to an
// older checkpoint knows that its output needs no commit.

// NoteCommitted notes that the sinks have committed what they prepared for checkpoint id,
// and for those before it that this Store has made or went on from. The note survives
// a crash.
func (s *Store) NoteCommitted(id uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var note []byte
	for _, c := range s.saved {
		if c.ours && c.id <= id {
			note = appendNote(note, c.id, c.sum)
		}
	}
	return s.wrap("noting that sinks have committed", s.note(committedName, note))
}

func appendNote(note []byte, id uint64, sum string) []byte {
	return fmt.Appendf(note, "%d %s\n", id, sum)
}

// SinksCommitted reports whether it was noted that the sinks have committed what they
// prepared for the checkpoint that Recovered has.
func (s *Store) SinksCommitted() bool { return s.recovered != nil && s.recoveredCommitted }

// A noted checkpoint is one whose output is committed. An older version noted no sum.
type noted struct {
	id  uint64
	sum string
}

// noted reads the note, as far as it can be read.
func (d directory) noted() (list []noted) {
	b, err := readFile(d.fs, d.join(committedName))
	if err != nil {
		return nil
	}
	for line := range bytes.Lines(b) {
		number, sum, _ := strings.Cut(strings.TrimSuffix(string(line), "\n"), " ")
		if id, err := strconv.ParseUint(number, 10, 64); err == nil {
			list = append(list, noted{id, sum})
		}
	}
	return list
}

// committed reports whether the output of c is noted as committed.
func (d directory) committed(c *saved) bool {
	for _, n := range d.noted() {
		if n.id == c.id && (n.sum == "" || n.sum == c.sum) {
			return true
		}
	}
	return false
}
