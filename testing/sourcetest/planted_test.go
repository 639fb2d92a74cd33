package sourcetest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
)

// A flawed source is ten numbers, in up to two splits, number i at i seconds. Each of
// the flaws is one that sources have had.
type flawed struct{ flaw string }

func (s flawed) has(flaw string) bool { return s.flaw == flaw }

func (flawed) Bounded() bool { return true }

func (s flawed) Splits(_ context.Context, hint int) ([]source.Split, error) {
	if hint == 1 {
		return []source.Split{place10(0, 0, 10)}, nil
	}
	first, second := place10(0, 0, 5), place10(5, 5, 10)
	switch {
	case s.has("splits overlap"):
		second = place10(4, 4, 10)
	case s.has("splits leave a gap"):
		second = place10(5, 6, 10)
	case s.has("two splits have one ID"):
		second.ID = first.ID
	}
	return []source.Split{first, second}, nil
}

// place10 is the split that was named first and has the numbers from next to end.
func place10(first, next, end int) source.Split {
	return source.Split{ID: fmt.Sprint("from ", first), Position: fmt.Appendf(nil, "%d %d %d", first, next, end), Size: int64(end - next)}
}

func (s flawed) Open(_ context.Context, split source.Split) (source.Reader[int], error) {
	r := &flawedReader{flawed: s, id: split.ID}
	_, err := fmt.Sscan(string(split.Position), &r.first, &r.next, &r.end)
	r.opened = r.next
	if s.has("resuming takes an element twice") && r.next > r.first+2 {
		r.next--
	}
	return r, err
}

type flawedReader struct {
	flawed
	id                       string
	first, opened, next, end int
	oldEnd                   int // before it was cut
	buffer                   []byte
	reads                    int
}

func (r *flawedReader) Read(_ context.Context, most int, emit func(*int, model.Timestamp)) (source.Status, error) {
	r.reads++
	if r.has("more than was asked for") {
		most++
	}
	for ; most > 0 && r.next < r.end; most-- {
		v := r.next
		r.next++
		emit(&v, r.at(v))
	}
	done := r.next >= r.end
	if r.has("never done") {
		return source.Status{}, nil
	}
	return source.Status{Done: done}, nil
}

func (r *flawedReader) at(v int) model.Timestamp { return model.Timestamp(v) * 1_000_000 }

func (r *flawedReader) Position() source.Split {
	if r.has("the position of before the last read") && r.next > r.opened && r.next < r.end {
		return place10(r.first, r.next-1, r.end)
	}
	s := place10(r.first, r.next, r.end)
	s.ID = r.id
	switch {
	case r.has("the position keeps the old end") && r.oldEnd > 0:
		s.Position = place10(r.first, r.next, r.oldEnd).Position
	case r.has("the size does not sink"):
		s.Size = int64(r.end)
	case r.has("positions share memory"):
		r.buffer = append(r.buffer[:0], s.Position...)
		s.Position = r.buffer
	}
	return s
}

func (r *flawedReader) Watermark() model.Timestamp {
	switch {
	case r.has("the watermark is ahead"):
		return r.at(r.next + 1)
	case r.has("the watermark goes back") && r.next%3 == 2:
		return r.at(r.next - 2)
	case r.has("resuming forgets the watermark") && r.next == r.opened:
		return model.MinTimestamp
	}
	return r.at(r.next)
}

func (r *flawedReader) Progress() source.Progress {
	p := source.Progress{Done: int64(r.next - r.first), Total: int64(r.end - r.first)}
	switch {
	case r.has("progress goes back") && r.next == r.first+3:
		p.Done = 0
	case r.has("progress is beyond the total"):
		p.Done++
	case r.has("progress stops short"):
		p.Total++
	}
	return p
}

func (r *flawedReader) Close() error { return nil }

func (r *flawedReader) TrySplit(fraction float64) (source.Split, bool, error) {
	left := r.end - r.next
	keep := int(float64(left) * fraction)
	if r.next == r.first {
		keep = max(keep, 1)
	}
	if keep >= left {
		if r.has("cuts and says it did not") {
			r.end = max(r.next, r.end-1)
		}
		return source.Split{}, false, nil
	}
	at := r.next + keep
	end := r.end
	r.end, r.oldEnd = at, end
	switch {
	case r.has("a cut loses an element"):
		return place10(at+1, at+1, end), true, nil
	case r.has("a cut doubles an element"):
		r.end++
	case r.has("a cut forgets to end the reader"):
		r.end = end
	case r.has("the residual has the name of the split"):
		s := place10(at, at, end)
		s.ID = fmt.Sprint("from ", r.first)
		return s, true, nil
	case r.has("all residuals have one name"):
		s := place10(at, at, end)
		s.ID = "residual"
		return s, true, nil
	case r.has("a cut ignores what was read"):
		at = r.first + 1
		r.end = at
	}
	return place10(at, at, end), true, nil
}

func TestASoundSourcePasses(t *testing.T) {
	Check(t, flawed{}, []int{9, 8, 7, 6, 5, 4, 3, 2, 1, 0})
}

func TestFlawsAreFound(t *testing.T) {
	for flaw, want := range map[string]string{
		"splits overlap":                         "should not be there",
		"splits leave a gap":                     "is missing",
		"two splits have one ID":                 "two splits have the ID",
		"resuming takes an element twice":        "resumed after",
		"more than was asked for":                "was asked for",
		"never done":                             "neither Done nor ResumeAfter",
		"the position of before the last read":   "resumed after",
		"the size does not sink":                 "the Size of its Position",
		"positions share memory":                 "resumed after",
		"the watermark is ahead":                 "lower bound",
		"the watermark goes back":                "went back",
		"resuming forgets the watermark":         "belongs to the position",
		"progress goes back":                     "Progress went back",
		"progress is beyond the total":           "Progress is",
		"progress stops short":                   "Progress is",
		"cuts and says it did not":               "the position is another",
		"a cut loses an element":                 "residual behind it",
		"a cut doubles an element":               "residual behind it",
		"a cut forgets to end the reader":        "residual behind it",
		"the position keeps the old end":         "what is kept, resumed",
		"the residual has the name of the split": "has the ID of the split",
		"all residuals have one name":            "the residual has the ID",
		"a cut ignores what was read":            "Progress is 2 of 1",
	} {
		err := verify(flawed{flaw}, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the check says %v, want %q in it", flaw, err, want)
		}
	}
}

func TestWrongElementsAreFound(t *testing.T) {
	for _, want := range [][]int{{0, 1, 2, 3, 4, 5, 6, 7, 8}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, {0, 0, 2, 3, 4, 5, 6, 7, 8, 9}} {
		if verify(flawed{}, want) == nil {
			t.Errorf("the numbers 0 to 9 pass for %v", want)
		}
	}
}
