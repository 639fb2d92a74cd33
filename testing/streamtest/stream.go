package streamtest

import (
	"fmt"
	"reflect"
	"time"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
)

// A Stream is an input in the making: elements, advances of the watermark and of
// processing time, in the order in which they happen. [NewStream] makes one with a
// script of its own, [Input] one of a [Script] that it shares with others. A
// mistake in it is a build error of the pipeline, at the line of the script.
//
// It stands for an unbounded input, such as a topic, although it ends: so a
// grouping in the global window under the default trigger, which would never
// emit in production, is a build error here, too. [Stream.Bounded] makes it stand
// for an input that ends, such as a file.
type Stream[T any] struct {
	script  *Script
	track   *track
	opts    []model.Option
	bounded bool
	values  [][]T // of each addition
	node    *model.Node
	joined  bool
	out     model.PCollection[T] // once joined
}

// NewStream begins a stream of p with a script of its own. Its watermark is at the
// start of time. A model.Name among opts names it in failures, which helps where a
// pipeline has several.
func NewStream[T any](p *model.Pipeline, opts ...model.Option) *Stream[T] {
	s := &Stream[T]{script: &Script{p: p, site: model.UserSite(), single: true}, opts: opts}
	d := model.Definition{Name: streamKind}
	for _, o := range opts {
		o(&d)
	}
	s.track = newTrack(d.Name, s.join)
	s.script.tracks = []*track{s.track}
	return s
}

const streamKind = "Stream"

// Bounded says that the stream stands for a bounded input, whose end is the end
// of the global window, too.
func (s *Stream[T]) Bounded() *Stream[T] {
	switch {
	case !s.open("Bounded"):
	case s.joined:
		s.fail("Bounded after Collection: the pipeline knows the input as an unbounded one; say it before")
	default:
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
		e := event{kind: addition, at: at, values: len(s.values), count: len(values)}
		s.values = append(s.values, values)
		s.script.add(s.track, "add "+clock(at)+" "+listed(values), e, s.track)
	}
	return s
}

// Watermark promises that no element earlier than at is still to come, but for
// late ones. Windows that end at at, or before it, fire.
func (s *Stream[T]) Watermark(at model.Timestamp) *Stream[T] {
	if s.open("Watermark") && s.script.canMove(s.track.name, at, []*track{s.track}) {
		s.script.add(s.track, "watermark "+clock(at), event{kind: advance, at: at}, s.track)
	}
	return s
}

// Elapse lets d of processing time pass, for the whole pipeline. Event time, and
// with it the default trigger, takes no notice.
func (s *Stream[T]) Elapse(d time.Duration) *Stream[T] {
	if s.open("Elapse") {
		s.script.elapse(s.track.name, s.track, s.track, d)
	}
	return s
}

// End ends the stream, adds it to the pipeline, and returns its collection. The
// last step takes the watermark to the end of time, so that every window that is
// still open fires. Of an input of a [Script], the others go on.
func (s *Stream[T]) End() model.PCollection[T] {
	if !s.open("End") {
		return s.out
	}
	if s.script.single {
		s.script.end(s.track)
	} else {
		s.script.add(s.track, "end", event{kind: end}, s.track)
	}
	return s.Collection()
}

// Collection is the stream's elements. It may be called at any time, and adds the
// stream to the pipeline if that has not been done.
func (s *Stream[T]) Collection() model.PCollection[T] {
	s.join()
	return s.out
}

// join adds the stream to the pipeline. One with a mistake is left out, so that
// what is built on it is not blamed.
func (s *Stream[T]) join() {
	if s.joined {
		s.detail()
		return
	}
	s.joined = true
	sc := s.script
	if sc.mistaken {
		s.out = model.OutputOf[T](sc.p, nil, 0)
		return
	}
	if sc.play == nil {
		sc.play = playOf(sc.p)
	}
	src := &scripted[T]{bounded: s.bounded, stream: s, play: sc.play, track: s.track}
	s.node = sc.p.Add(model.Definition{
		Kind:      streamKind,
		Class:     model.Source,
		Spec:      &streamSpec[T]{engine.ReadSpec[T]{Source: src}, sc},
		Outputs:   []reflect.Type{reflect.TypeFor[T]()},
		Unbounded: !s.bounded,
		Options:   s.opts,
	})
	if s.node != nil {
		s.track.name = s.node.Name
	} else {
		sc.mistaken = true
	}
	s.out = model.OutputOf[T](sc.p, s.node, 0)
	s.detail()
}

// detail tells Explain how long the stream is, as far as that is known.
func (s *Stream[T]) detail() {
	if s.node != nil && s.track.ended {
		s.node.Detail = fmt.Sprintf("%d steps", len(s.track.events))
	}
}

// open reports whether the stream can go on with the step called verb.
func (s *Stream[T]) open(verb string) bool {
	switch {
	case s.script.ended || s.track.ended && s.script.single:
		s.fail("%s after End: the script has ended; put the step before End", verb)
		return false
	case s.track.ended:
		s.fail("%s after End: the input has ended; put the step before End", verb)
		return false
	}
	return true
}

// fail records a mistake at the user's line.
func (s *Stream[T]) fail(format string, args ...any) {
	s.script.fail(s.track.name, format, args...)
}
