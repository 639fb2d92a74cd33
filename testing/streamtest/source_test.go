package streamtest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
)

// read reads the rest of r, at most two elements at once, and tells each Read.
func read(t *testing.T, r source.Reader[int]) (lines []string, positions []source.Split) {
	t.Helper()
	for {
		positions = append(positions, r.Position())
		var got []int
		status, err := r.Read(context.Background(), 2, func(v *int, _ model.Timestamp) { got = append(got, *v) })
		if err != nil {
			t.Fatal(err)
		}
		now := r.(source.Timekeeper).Now()
		lines = append(lines, fmt.Sprintf("%v, watermark %v, now %v", got, clock(r.Watermark()), clock(now)))
		if status.Done {
			return lines, append(positions, r.Position())
		}
	}
}

func TestReaderGoesOnFromAnyPosition(t *testing.T) {
	var p model.Pipeline
	NewStream[int](&p).Add(0, 1, 2, 3, 4, 5).Elapse(time.Second).Watermark(7).Add(3, 6).Elapse(time.Minute).End()
	src := p.Nodes()[0].Spec.(*streamSpec[int]).Source

	splits, err := src.Splits(context.Background(), 4)
	if err != nil || len(splits) != 1 {
		t.Fatalf("splits %v, %v", splits, err)
	}
	first, err := src.Open(context.Background(), splits[0])
	if err != nil {
		t.Fatal(err)
	}
	want, positions := read(t, first)
	for i, s := range positions {
		r, err := src.Open(context.Background(), s)
		if err != nil {
			t.Fatal(err)
		}
		if i == len(want) { // the end
			if status, err := r.Read(context.Background(), 2, nil); !status.Done || err != nil || r.Watermark() != model.MaxTimestamp {
				t.Errorf("at the end: %v, %v, watermark %v", status, err, r.Watermark())
			}
			continue
		}
		if got, _ := read(t, r); !slices.Equal(got, want[i:]) {
			t.Errorf("from %q on:\n got %q\nwant %q", s.Position, got, want[i:])
		}
	}
	for _, bad := range []string{"", "x", "-1 0", "7 0", "0 6", "1 1"} {
		if _, err := src.Open(context.Background(), source.Split{ID: "script", Position: []byte(bad)}); err == nil {
			t.Errorf("position %q was taken", bad)
		}
	}
}

func TestReaderDoesNothingOutOfTurn(t *testing.T) {
	var p model.Pipeline
	NewStream[int](&p).Add(0, 1).End()
	NewStream[int](&p).Add(0, 2).End()
	var readers []source.Reader[int]
	for _, n := range p.Nodes() {
		src := n.Spec.(*streamSpec[int]).Source
		splits, _ := src.Splits(context.Background(), 1)
		r, err := src.Open(context.Background(), splits[0])
		if err != nil {
			t.Fatal(err)
		}
		readers = append(readers, r)
	}
	first, second := readers[0], readers[1]
	for i, step := range []struct {
		r     source.Reader[int]
		plays bool
	}{
		{second, false}, // the first is to begin
		{first, true},
		{first, false}, // it is the second's turn
		{second, true},
		{second, false},
		{first, true}, // its end
		{second, true},
	} {
		before := string(step.r.Position().Position)
		if _, err := step.r.Read(context.Background(), 1, func(*int, model.Timestamp) {}); err != nil {
			t.Fatal(err)
		}
		if plays := string(step.r.Position().Position) != before; plays != step.plays {
			t.Errorf("read %d: played a step: %v; want %v", i, plays, step.plays)
		}
	}
}
