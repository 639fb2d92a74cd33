package engine

import (
	"github.com/millrace/millrace/model/sink"
	"github.com/millrace/millrace/model/source"
)

// Repeats is why the sink may see a commit twice as two, or "".
func (s *WriteSpec[T]) Repeats() string {
	if r, ok := any(s.Sink).(sink.Repeating); ok {
		return r.Repeats()
	}
	return ""
}

// Writes is the sink, for what it says of itself.
func (s *WriteSpec[T]) Writes() any { return s.Sink }

// Reads is the source, for what it says of itself.
func (s *ReadSpec[T]) Reads() any { return s.Source }

// Forgets is why the source cannot be read again from where it was, or "".
func (s *ReadSpec[T]) Forgets() string {
	if f, ok := any(s.Source).(source.Forgetful); ok {
		return f.Forgets()
	}
	return ""
}
