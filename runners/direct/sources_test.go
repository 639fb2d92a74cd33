package direct_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
)

func TestErrorsOfASource(t *testing.T) {
	for name, src := range map[string]*numbers{
		"listing its splits": {n: 10, splitsErr: errBroken},
		"opening":            {n: 10, openErr: errBroken},
		"reading split 0":    {n: 10, onRead: func(context.Context, int) (*source.Status, error) { return nil, errBroken }},
		"closing":            {n: 10, closeErr: errBroken},
	} {
		t.Run(name, func(t *testing.T) {
			var p model.Pipeline
			out := &ledger{}
			transforms.Write(src.read(&p), out)
			err := direct.Run(t.Context(), &p)
			if !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "Numbers: ") || !strings.Contains(err.Error(), name) {
				t.Errorf("the run returned %v, want one that tells the transform, %q and the cause", err, name)
			}
			settled(t, src, out)
		})
	}
}

func TestPanicsOfASource(t *testing.T) {
	for _, at := range []string{"Splits", "Open", "Read", "Watermark", "Close"} {
		t.Run(at, func(t *testing.T) {
			var p model.Pipeline
			src := &numbers{n: 10_000, panicAt: at}
			out := &ledger{}
			doubled := transforms.Map(src.read(&p), func(v int) int { return 2 * v }, model.Name("Innocent"))
			transforms.Write(doubled, out)
			err := direct.Run(t.Context(), &p)
			if err == nil || !strings.Contains(err.Error(), "the source's "+at+" went wrong") || !strings.Contains(err.Error(), "Numbers: ") {
				t.Errorf("the run returned %v, want the panic in Numbers", err)
			}
			if err := out.left(); err != nil {
				t.Error("after a run that failed", err)
			}
		})
	}
}

// When a reader fails, those of the other tasks are closed, too.
func TestAReaderThatFailsIsClosed(t *testing.T) {
	src := &numbers{n: 100_000, splits: 8, onRead: func(_ context.Context, next int) (*source.Status, error) {
		if next >= 50_000 {
			return nil, errBroken
		}
		return nil, nil
	}}
	var p model.Pipeline
	out := &ledger{}
	transforms.Write(src.read(&p), out)
	if _, err := (direct.Runner{Parallelism: 4}).Run(t.Context(), &p); !errors.Is(err, errBroken) {
		t.Errorf("the run returned %v, want %v", err, errBroken)
	}
	settled(t, src, out)
}

func TestSplitsAreReadOnceEach(t *testing.T) {
	for _, splits := range []int{1, 2, 3, 4, 7, 50} {
		src := &numbers{n: 10_000, splits: splits}
		var p model.Pipeline
		out := &ledger{}
		transforms.Write(src.read(&p), out)
		if _, err := (direct.Runner{Parallelism: 4}).Run(t.Context(), &p); err != nil {
			t.Fatal(err)
		}
		if got := out.results(); len(got) != 10_000 || got[0] != 0 || got[9_999] != 9_999 {
			t.Errorf("of %d splits %d numbers were written, want 10000", splits, len(got))
		}
		if opened := src.opened.Load(); opened != int64(splits) {
			t.Errorf("%d readers were opened for %d splits", opened, splits)
		}
	}
}

// The numbers of a split are in order, but the splits, begun by whichever task is
// free, are not: were the watermark to follow one of them, what comes in the others
// would be late.
func TestNothingIsLateWhereSplitsArePulled(t *testing.T) {
	for range 5 {
		src := &numbers{n: 20_000, splits: 40, promises: true}
		var p model.Pipeline
		counts := transforms.CombineGlobally(transforms.Window(src.read(&p), tens), transforms.Counting)
		total := summed(counts)
		report, err := direct.Runner{Parallelism: 3, SourceBatch: 16}.Run(t.Context(), &p)
		if err != nil {
			t.Fatal(err)
		}
		g := report.Groupings[0]
		if g.Late != 0 || g.Dropped != 0 || g.OnTime != 20_000 || total.Load() != 20_000 {
			t.Fatalf("%d elements were counted in windows, by the report %+v, want 20000 on time", total.Load(), g)
		}
	}
}
