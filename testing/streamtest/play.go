package streamtest

import (
	"sync"
	"time"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
)

// processingStart is the processing time at which scripts begin.
const processingStart model.Timestamp = 0

// A play is the scripts of a pipeline, which take turns, and how far they have
// been played. Whose turn it is follows from how far each input has got, so that a
// reader can be opened anew at any position.
type play struct {
	scripts []*Script // those that have ended, in that order
	tracks  []*track  // theirs

	mu    sync.Mutex
	step  int    // the step that is played, or was last; 0 before the first
	over  func() // called once the last step is; may be nil
	waits bool   // its clock is that of package time
	// notBefore is, if it waits, when the next step may begin.
	notBefore time.Time
}

// A streamSpec is the spec of a stream's node, by which the play is found.
type streamSpec[T any] struct {
	engine.ReadSpec[T]
	script *Script
}

func (s *streamSpec[T]) scriptOfStream() *Script { return s.script }

// Lockstep implements engine.SourceSpec: a play that waits lets others work
// meanwhile.
func (s *streamSpec[T]) Lockstep() bool { return !s.script.play.waits }

// playOf is the play of p's scripts; a new one if p has none.
func playOf(p *model.Pipeline) *play {
	for _, s := range scriptsOf(p) {
		return s.play
	}
	return &play{}
}

// scriptsOf is the script of each stream of p.
func scriptsOf(p *model.Pipeline) (scripts []*Script) {
	for _, n := range p.Nodes() {
		if s, ok := n.Spec.(interface{ scriptOfStream() *Script }); ok {
			scripts = append(scripts, s.scriptOfStream())
		}
	}
	return scripts
}

// add has s take turns with the scripts that ended before.
func (p *play) add(s *Script) {
	p.scripts = append(p.scripts, s)
	p.tracks = append(p.tracks, s.tracks...)
	for i, st := range p.order() {
		st.number = i + 1
	}
}

// order is the steps of all scripts: the first of each, the second of each, and
// so on.
func (p *play) order() (steps []*step) {
	for i, more := 0, true; more; i++ {
		more = false
		for _, s := range p.scripts {
			if i < len(s.steps) {
				more = true
				steps = append(steps, s.steps[i])
			}
		}
	}
	return steps
}

// lines are the texts of the steps, in their order. They name the input where a
// reader could not know it.
func (p *play) lines() (lines []string) {
	alone := len(p.scripts) == 1 && p.scripts[0].single
	for _, st := range p.order() {
		line := st.text
		if st.owner != nil && !alone {
			line = st.owner.name + ": " + line
		}
		lines = append(lines, line)
	}
	return lines
}

// start readies the play for a run. If it waits, its clock is that of package
// time: a step begins an instant after the one before it or, if that one let time
// pass, when that time is over. Over is called once the last step is.
func (p *play) start(waits bool, over func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over, p.waits = over, waits
	p.notBefore = time.Now().Add(instant)
}

// instant is how long a play that waits lets the pipeline work on a step: in a
// bubble of testing/synctest, time does not pass while there is something to do.
const instant = time.Nanosecond

// seek says that a reader of t is to go on behind the first n events.
func (p *play) seek(t *track, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t.played = n
	if n == 0 {
		p.step = 0
	}
}

// finish says that t's next event is over.
func (p *play) finish(t *track) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waits {
		p.notBefore = time.Now().Add(instant + t.events[t.played].elapse)
	}
	t.played++
	for _, o := range p.tracks {
		if o.played < len(o.events) {
			return
		}
	}
	if p.over != nil {
		p.over()
	}
}

// begin begins the next step of t, if it is t's turn. If not, it may say when to
// ask again.
func (p *play) begin(t *track) (later time.Duration, begun bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := t.events[t.played].step.number
	wait := time.Duration(0)
	if p.waits {
		wait = max(0, time.Until(p.notBefore))
	}
	for _, o := range p.tracks {
		if o.played < len(o.events) && o.events[o.played].step.number < next {
			if p.waits {
				wait += instant
			}
			return wait, false
		}
	}
	if wait > 0 {
		return wait, false
	}
	p.step = next
	return 0, true
}

// current is the number of the step that is played; 0 before the first.
func (p *play) current() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.step
}

// now is the processing time.
func (p *play) now() model.Timestamp {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waits {
		return model.TimestampOf(time.Now())
	}
	now := processingStart
	for _, t := range p.tracks {
		now = now.Add(t.elapsed[t.played])
	}
	return now
}
