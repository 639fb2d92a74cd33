package scenarios_test

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/windowing"
)

func parseWindows(s string) (model.WindowFn, error) {
	switch s {
	case "global":
		return windowing.Global{}, nil
	case "sessions by-value":
		return valued{}, nil
	}
	var words [6]string
	copy(words[:], strings.Fields(s))
	size, err := parseDuration(words[1])
	every, errEvery := parseDuration(words[3])
	offset, errOffset := parseDuration(words[5])
	if err := errors.Join(err, errEvery, errOffset); err != nil {
		return nil, err
	}
	switch words[0] + " " + words[2] + " " + words[4] {
	case "fixed  ":
		return windowing.Fixed{Size: size}, nil
	case "fixed offset ":
		return windowing.Fixed{Size: size, Offset: every}, nil
	case "sliding every ", "sliding every offset":
		return windowing.Sliding{Size: size, Every: every, Offset: offset}, nil
	case "sessions  ":
		return windowing.Sessions{Gap: size}, nil
	case "sessions touching ":
		return touching{size}, nil
	case "sessions at-most ":
		return capped{size, every}, nil
	}
	return nil, fmt.Errorf("no window reads %q", s)
}

// parseDuration is time.ParseDuration, of which nothing is 0.
func parseDuration(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	return time.ParseDuration(s)
}

// A valued session lasts as long as the values of its elements say.
type valued struct{}

func (valued) AssignElementWindows(dst []model.Window, kv text, t model.Timestamp) []model.Window {
	gap, err := time.ParseDuration(kv.Value)
	if err != nil {
		panic(err)
	}
	return append(dst, model.Window{Start: t, End: t.Add(gap)})
}

// AssignWindows is not called.
func (valued) AssignWindows([]model.Window, model.Timestamp) []model.Window { panic("by element") }
func (valued) ElementType() string                                          { return "a text" }
func (valued) MergeWindows(windows, into []model.Window)                    { windowing.MergeOverlapping(windows, into) }
func (valued) MergesOverlapping()                                           {}
func (valued) Validate() error                                              { return nil }
func (valued) String() string                                               { return "sessions(by value)" }

// Touching sessions are one even if one ends as the other begins.
type touching struct{ gap time.Duration }

func (s touching) AssignWindows(dst []model.Window, t model.Timestamp) []model.Window {
	return windowing.Sessions{Gap: s.gap}.AssignWindows(dst, t)
}

func (touching) MergeWindows(windows, into []model.Window) {
	join(windows, into, func(w, next model.Window) bool { return next.Start <= w.End })
}

func (touching) Validate() error  { return nil }
func (s touching) String() string { return fmt.Sprintf("sessions(%v, touching)", s.gap) }

// Capped sessions merge as long as they do not get longer than most. So those of
// one key may overlap.
type capped struct{ gap, most time.Duration }

func (s capped) AssignWindows(dst []model.Window, t model.Timestamp) []model.Window {
	return windowing.Sessions{Gap: s.gap}.AssignWindows(dst, t)
}

func (s capped) MergeWindows(windows, into []model.Window) {
	join(windows, into, func(w, next model.Window) bool {
		both := w.Span(next)
		return next.Overlaps(w) && both.End.Sub(both.Start) <= s.most
	})
}

func (capped) Validate() error  { return nil }
func (s capped) String() string { return fmt.Sprintf("sessions(%v, at most %v)", s.gap, s.most) }

// join merges each window with those in front of it, while both belong together.
func join(windows, into []model.Window, together func(w, next model.Window) bool) {
	first := 0
	for i, w := range windows {
		into[i] = w
		if i > 0 && together(into[first], w) {
			w = into[first].Span(w)
		} else {
			first = i
		}
		for j := first; j <= i; j++ {
			into[j] = w
		}
	}
}
