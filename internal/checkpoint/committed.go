package checkpoint

import (
	"fmt"
	"strconv"
	"strings"
)

// NoteCommitted notes that the sinks have committed what they prepared for checkpoint
// id. The note need not survive a crash: without it, they commit once more, and to
// the same effect as long as nobody has taken their output away.
func (s *Store) NoteCommitted(id uint64) error {
	tmp := committedName + tmpSuffix
	if err := s.write(tmp, fmt.Appendln(nil, id), false); err != nil {
		return err
	}
	return s.fs.Rename(s.join(tmp), s.join(committedName))
}

// SinksCommitted reports whether it was noted that the sinks have committed what they
// prepared for the checkpoint that Recovered has.
func (s *Store) SinksCommitted() bool {
	return s.recovered != nil && s.committed(s.recovered.ID)
}

func (d directory) committed(checkpoint uint64) bool {
	b, err := readFile(d.fs, d.join(committedName))
	if err != nil {
		return false
	}
	id, err := strconv.ParseUint(strings.TrimSuffix(string(b), "\n"), 10, 64)
	return err == nil && id == checkpoint
}
