package streamtest

import (
	"sync"
	"time"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
)

// processingStart is the processing time at which scripts begin.
const processingStart model.Timestamp = 0

// A script is the streams of a pipeline, which take turns, and how far they have
// been played. Whose turn it is follows from how far each has got, so that a
// reader can be opened anew at any position.
type script struct {
	tracks []*track // fixed once the pipeline is built

	mu   sync.Mutex
	step int // the step that is played, or was last; 0 before the first
}

// A track is what a script knows of one stream.
type track struct {
	name  string
	texts []string // of the steps
	// elapsed[i] is how much processing time the first i steps let pass.
	elapsed []time.Duration
	played  int // the script's; how many steps are over
}

func newTrack[T any](events []event[T]) *track {
	t := &track{elapsed: []time.Duration{0}}
	for i := range events {
		t.texts = append(t.texts, events[i].text())
		t.elapsed = append(t.elapsed, t.elapsed[i]+events[i].elapse)
	}
	return t
}

// A streamSpec is the spec of a stream's node, by which the script is found.
type streamSpec[T any] struct {
	engine.ReadSpec[T]
	script *script
}

func (s streamSpec[T]) scriptOfPipeline() *script { return s.script }

// scriptOf is the script of p's streams; nil if p has none.
func scriptOf(p *model.Pipeline) *script {
	for _, n := range p.Nodes() {
		if s, ok := n.Spec.(interface{ scriptOfPipeline() *script }); ok {
			return s.scriptOfPipeline()
		}
	}
	return nil
}

// seek says that the first n steps of t are over.
func (s *script) seek(t *track, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.played = n
	if n == 0 {
		s.step = 0
	}
}

// begin begins the next step of t, if it is t's turn.
func (s *script) begin(t *track) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := true // t in the order of tracks
	step := 1
	for _, o := range s.tracks {
		if o == t {
			before = false
			step += t.played
			continue
		}
		turn := t.played // how many steps of o come before this one of t
		if before {
			turn++
		}
		turn = min(turn, len(o.texts))
		if o.played < turn {
			return false
		}
		step += turn
	}
	s.step = step
	return true
}

// current is the number of the step that is played; 0 before the first.
func (s *script) current() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.step
}

// now is the processing time.
func (s *script) now() model.Timestamp {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := processingStart
	for _, t := range s.tracks {
		now = now.Add(t.elapsed[t.played])
	}
	return now
}

// lines are the texts of the steps, in their order.
func (s *script) lines() (lines []string) {
	for i, more := 0, true; more; i++ {
		more = false
		for _, t := range s.tracks {
			if i >= len(t.texts) {
				continue
			}
			more = true
			line := t.texts[i]
			if len(s.tracks) > 1 {
				line = t.name + ": " + line
			}
			lines = append(lines, line)
		}
	}
	return lines
}
