package streamtest

import (
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/model"
)

// A Script is the inputs of a pipeline and what happens to them: elements,
// advances of watermarks and of processing time, in the order in which they are
// written down, whichever input they are of. A mistake in it is a build error of
// the pipeline, at the line of the script.
type Script struct {
	p      *model.Pipeline
	site   model.Site // where it was begun
	tracks []*track   // its inputs
	steps  []*step
	single bool  // it is that of a NewStream
	play   *play // once an input has joined the pipeline

	watermarked bool // there was a step that moved all watermarks
	mistaken    bool
	ended       bool
}

// A step is a line of a script.
type step struct {
	number int    // among those of all scripts of the pipeline, from 1; once they ended
	owner  *track // nil if it is the whole script's
	text   string
}

// A track is what a script knows of one of its inputs.
type track struct {
	name   string
	events []event
	// elapsed[i] is how much processing time the first i events let pass.
	elapsed   []time.Duration
	watermark model.Timestamp // after the last of the events
	ended     bool
	join      func() // adds the input to the pipeline, unless it is there

	played int // how many events are over; the play's
}

// An event is what a step does to an input.
type event struct {
	kind   eventKind
	at     model.Timestamp // of the elements or the watermark
	values int             // which of the stream's additions it is
	count  int             // of its values
	elapse time.Duration
	step   *step
}

type eventKind uint8

const (
	addition eventKind = iota
	advance
	elapse
	end
)

func newTrack(name string, join func()) *track {
	return &track{name: name, elapsed: []time.Duration{0}, watermark: model.MinTimestamp, join: join}
}

// NewScript begins the script of several inputs of p, which [Input] declares.
func NewScript(p *model.Pipeline) *Script {
	return &Script{p: p, site: model.UserSite()}
}

// Input declares an input of s, whose watermark is at the start of time. The name
// is that of its transform in the pipeline, and what failed tests call it.
func Input[T any](s *Script, name string) *Stream[T] {
	in := &Stream[T]{script: s, opts: []model.Option{model.Name(name)}}
	in.track = newTrack(name, in.join)
	switch {
	case name == "":
		s.fail("Input", `Input("") has no name; give it one, by which a failed test can call it`)
	case s.named(name):
		s.fail(name, "Input(%q) is declared already; give each input a name of its own", name)
	case s.ended:
		s.fail(name, "Input(%q) after End: the script has ended; declare its inputs before", name)
	case s.watermarked:
		s.fail(name, "Input(%q) after a Watermark of all inputs, which passes it by; declare it before", name)
	}
	if !s.ended {
		s.tracks = append(s.tracks, in.track)
	}
	return in
}

func (s *Script) named(name string) bool {
	for _, t := range s.tracks {
		if t.name == name {
			return true
		}
	}
	return false
}

// Watermark moves the watermarks of all inputs that have not ended, in one step.
func (s *Script) Watermark(at model.Timestamp) *Script {
	if open := s.open(scriptName, "Watermark"); s.canMove(scriptName, at, open) {
		s.watermarked = true
		s.add(nil, "watermark "+clock(at), event{kind: advance, at: at}, open...)
	}
	return s
}

// Elapse lets d of processing time pass. Event time, and with it the default
// trigger, takes no notice.
func (s *Script) Elapse(d time.Duration) *Script {
	if open := s.open(scriptName, "Elapse"); len(open) > 0 {
		s.elapse(scriptName, nil, open[0], d)
	}
	return s
}

// End ends the script and all its inputs. Its last step takes the watermarks to
// the end of time, so that every window that is still open fires.
func (s *Script) End() { s.end(nil) }

const scriptName = "Script"

// open is the inputs that have not ended, for the step called verb. It is empty,
// and that a mistake, if there is none to take the step.
func (s *Script) open(transform, verb string) (open []*track) {
	for _, t := range s.tracks {
		if !t.ended {
			open = append(open, t)
		}
	}
	switch {
	case s.ended:
		s.fail(transform, "%s after End: the script has ended; put the step before End", verb)
		return nil
	case len(s.tracks) == 0:
		s.fail(transform, "%s of a script without inputs; declare them first, with streamtest.Input", verb)
	case len(open) == 0:
		s.fail(transform, "%s after the End of every input; put the step before the last of them", verb)
	}
	return open
}

// canMove reports whether at can be the watermark of tracks.
func (s *Script) canMove(transform string, at model.Timestamp, tracks []*track) bool {
	switch {
	case len(tracks) == 0:
		return false
	case at > model.MaxTimestamp:
		s.fail(transform, "Watermark(%d) is beyond the end of time, %d", at, model.MaxTimestamp)
		return false
	}
	for _, t := range tracks {
		if at < t.watermark {
			whose := "it"
			if transform == scriptName {
				whose = "that of " + t.name
			}
			s.fail(transform, "Watermark(%s) goes back: %s is at %s already, and a watermark never falls; an element behind it is a late one, and needs no watermark of its own", clock(at), whose, clock(t.watermark))
			return false
		}
	}
	return true
}

func (s *Script) elapse(transform string, owner, by *track, d time.Duration) {
	if d < time.Microsecond || d%time.Microsecond != 0 {
		s.fail(transform, "Elapse(%v) must be at least 1µs and whole microseconds, the resolution of a timestamp", d)
		return
	}
	s.add(owner, "elapse "+d.String(), event{kind: elapse, elapse: d}, by)
}

// end ends the script, by a step of owner's.
func (s *Script) end(owner *track) {
	switch {
	case s.ended:
		s.fail(scriptName, "End after End: the script has ended; once is enough")
		return
	case len(s.tracks) == 0:
		s.fail(scriptName, "End of a script without inputs; declare them first, with streamtest.Input")
	}
	var open []*track
	for _, t := range s.tracks {
		if !t.ended {
			open = append(open, t)
		}
	}
	if len(open) > 0 {
		s.add(owner, "end", event{kind: end}, open...)
	}
	s.ended = true
	for _, t := range s.tracks {
		t.join()
	}
	if s.play != nil {
		s.play.add(s)
	}
}

// add appends a step that does e to tracks.
func (s *Script) add(owner *track, text string, e event, tracks ...*track) {
	e.step = &step{owner: owner, text: text}
	s.steps = append(s.steps, e.step)
	for _, t := range tracks {
		t.events = append(t.events, e)
		t.elapsed = append(t.elapsed, t.elapsed[len(t.elapsed)-1]+e.elapse)
		switch e.kind {
		case advance:
			t.watermark = e.at
		case end:
			t.watermark, t.ended = model.MaxTimestamp, true
		}
	}
}

// fail records a mistake at the user's line.
func (s *Script) fail(transform, format string, args ...any) {
	s.mistaken = true
	s.p.Fail(model.UserSite(), transform, fmt.Errorf(format, args...))
}

// unended is what is wrong with a script that goes on.
func (s *Script) unended() error {
	if s.ended {
		return nil
	}
	return errors.New("the script begun at " + s.site.String() + " was not ended; call End after its last step")
}
