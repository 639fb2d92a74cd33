package sink

import (
	"fmt"
	"strings"
)

// A Gone error of Commit says that all is committed but for Things, which are neither
// where a writer prepared them nor where they were to be. Where Commit may have been
// called before, somebody took them away after it, as readers may, and the runner goes on
// with a warning. Where it was not, they are lost, and the run fails.
type Gone struct {
	// Things are names for a user to read.
	Things []string
}

func (g *Gone) Error() string {
	const most = 3
	list := strings.Join(g.Things[:min(most, len(g.Things))], ", ")
	if more := len(g.Things) - most; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("%s: prepared, and not there any more", list)
}
