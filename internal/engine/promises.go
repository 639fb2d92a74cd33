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

// Forgets is why the source cannot be read again from where it was, or "".
func (s *ReadSpec[T]) Forgets() string {
	if f, ok := any(s.Source).(source.Forgetful); ok {
		return f.Forgets()
	}
	return ""
}
