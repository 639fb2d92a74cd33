package streamtest

import (
	"fmt"
	"reflect"
	"time"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
)

// A Stream is a script in the making: elements, advances of the watermark and of
// processing time, in the order in which they happen. A mistake in it is a build
// error of the pipeline, at the line of the script.
//
// It stands for an unbounded input, such as a topic, although it ends: so a
// grouping in the global window under the default trigger, which would never
// emit in production, is a build error here, too. [Stream.Bounded] makes it stand
// for an input that ends, such as a file.
type Stream[T any] struct {
	p         *model.Pipeline
	opts      []model.Option
	bounded   bool
	events    []event[T]
	watermark model.Timestamp
	mistaken  bool
	ended     bool
	out       model.PCollection[T] // once ended
}

// An event is one step of a stream.
type event[T any] struct {
	kind   eventKind
	at     model.Timestamp // of the elements or the watermark
	values []T
	elapse time.Duration
}

type eventKind uint8

const (
	addition eventKind = iota
	advance
	elapse
	end
)

// NewStream begins the script of a stream of p, whose watermark is at the start
// of time. A model.Name among opts names it in failures, which helps where a
// pipeline has several.
func NewStream[T any](p *model.Pipeline, opts ...model.Option) *Stream[T] {
	return &Stream[T]{p: p, opts: opts, watermark: model.MinTimestamp}
}

// Bounded says that the stream stands for a bounded input, whose end is the end
// of the global window, too.
func (s *Stream[T]) Bounded() *Stream[T] {
	if s.open("Bounded") {
		s.bounded = true
	}
	return s
}

// Add delivers values with event time at, in one step. They are late if the
// watermark has passed the end of their window; whether they are then dropped
// depends on the window's allowed lateness.
func (s *Stream[T]) Add(at model.Timestamp, values ...T) *Stream[T] {
	switch {
	case !s.open("Add"):
	case len(values) == 0:
		s.fail("Add(%s) adds nothing; give it at least one value", clock(at))
	case !model.GlobalWindow.Contains(at):
		s.fail("Add(%d) is outside of time: elements lie in [%d, %d)", at, model.GlobalWindow.Start, model.GlobalWindow.End)
	default:
		s.events = append(s.events, event[T]{kind: addition, at: at, values: values})
	}
	return s
}

// Watermark promises that no element earlier than at is still to come, but for
// late ones. Windows that end at at, or before it, fire.
func (s *Stream[T]) Watermark(at model.Timestamp) *Stream[T] {
	switch {
	case !s.open("Watermark"):
	case at > model.MaxTimestamp:
		s.fail("Watermark(%d) is beyond the end of time, %d", at, model.MaxTimestamp)
	case at < s.watermark:
		s.fail("Watermark(%s) goes back: it is at %s already, and a watermark never falls; an element behind it is a late one, and needs no watermark of its own", clock(at), clock(s.watermark))
	default:
		s.watermark = at
		s.events = append(s.events, event[T]{kind: advance, at: at})
	}
	return s
}

// Elapse lets d of processing time pass, for the whole pipeline. Event time, and
// with it the default trigger, takes no notice.
func (s *Stream[T]) Elapse(d time.Duration) *Stream[T] {
	switch {
	case !s.open("Elapse"):
	case d < time.Microsecond || d%time.Microsecond != 0:
		s.fail("Elapse(%v) must be at least 1µs and whole microseconds, the resolution of a timestamp", d)
	default:
		s.events = append(s.events, event[T]{kind: elapse, elapse: d})
	}
	return s
}

// End ends the script, and adds the stream to the pipeline. Its last step takes
// the watermark to the end of time, so that every window that is still open fires.
func (s *Stream[T]) End() model.PCollection[T] {
	if !s.open("End") {
		return s.out
	}
	s.ended = true
	s.events = append(s.events, event[T]{kind: end})
	if s.mistaken {
		s.out = model.OutputOf[T](s.p, nil, 0)
		return s.out
	}
	sc := scriptOf(s.p)
	if sc == nil {
		sc = &script{}
	}
	src := &scripted[T]{bounded: s.bounded, events: s.events, script: sc, track: newTrack(s.events)}
	n := s.p.Add(model.Definition{
		Kind:      streamKind,
		Class:     model.Source,
		Detail:    fmt.Sprintf("%d steps", len(s.events)),
		Spec:      streamSpec[T]{engine.ReadSpec[T]{Source: src}, sc},
		Outputs:   []reflect.Type{reflect.TypeFor[T]()},
		Unbounded: !s.bounded,
		Options:   s.opts,
	})
	if n != nil {
		src.track.name = n.Name
		sc.tracks = append(sc.tracks, src.track)
	}
	s.out = model.OutputOf[T](s.p, n, 0)
	return s.out
}

const streamKind = "Stream"

// open reports whether the script can go on with the step called verb.
func (s *Stream[T]) open(verb string) bool {
	if s.ended {
		s.fail("%s after End: the script has ended; put the step before End", verb)
	}
	return !s.ended
}

// fail records a mistake at the user's line.
func (s *Stream[T]) fail(format string, args ...any) {
	s.mistaken = true
	d := model.Definition{Name: streamKind}
	for _, o := range s.opts {
		o(&d)
	}
	s.p.Fail(model.UserSite(), d.Name, fmt.Errorf(format, args...))
}

// text tells e, as a failed test does.
func (e *event[T]) text() string {
	switch e.kind {
	case addition:
		return "add " + clock(e.at) + " " + listed(e.values)
	case advance:
		return "watermark " + clock(e.at)
	case elapse:
		return "elapse " + e.elapse.String()
	}
	return "end"
}
