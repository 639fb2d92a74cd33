package direct_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/sink"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
)

func TestErrorsOfASink(t *testing.T) {
	for name, out := range map[string]*ledger{
		"opening shard":   {openErr: errSink},
		"element: ":       {writeErr: errSink},
		"preparing shard": {prepareErr: errSink},
		"committing":      {commitErr: errSink},
		"closing shard":   {closeErr: errSink},
	} {
		t.Run(name, func(t *testing.T) {
			var p model.Pipeline
			src := &numbers{n: 1000, splits: 3}
			transforms.Write(src.read(&p), out, model.Name("Books"))
			_, err := direct.Runner{Parallelism: 2}.Run(t.Context(), &p)
			if !errors.Is(err, errSink) || !strings.Contains(err.Error(), "Books: ") || !strings.Contains(err.Error(), name) {
				t.Errorf("the run returned %v, want one that tells the transform, %q and the cause", err, name)
			}
			if len(out.committed) > 0 {
				t.Errorf("%d elements were committed", len(out.committed))
			}
			if out.writing > 0 {
				t.Errorf("%d writers were left open", out.writing)
			}
		})
	}
}

// An error of Abort is told beside the one that made it necessary.
func TestErrorOfAbort(t *testing.T) {
	var p model.Pipeline
	out := &ledger{abortErr: errSink}
	c := (&numbers{n: 1000}).read(&p)
	transforms.Write(c, out, model.Name("Books"))
	transforms.ForEach(c, func(_ context.Context, e transforms.Element[int]) error { return errBroken })
	err := direct.Run(t.Context(), &p)
	if !errors.Is(err, errBroken) || !errors.Is(err, errSink) || !strings.Contains(err.Error(), "Books: ") {
		t.Errorf("the run returned %v, want both errors", err)
	}
}

func TestNothingIsReadIfASinkCannotBeOpened(t *testing.T) {
	src := &numbers{n: 1000, onRead: func(context.Context, int) (*source.Status, error) {
		t.Error("the source is read")
		return nil, nil
	}}
	var p model.Pipeline
	transforms.Write(transforms.Reshuffle(src.read(&p)), &ledger{openErr: errSink})
	if err := direct.Run(t.Context(), &p); !errors.Is(err, errSink) {
		t.Errorf("the run returned %v, want %v", err, errSink)
	}
}

// If a sink fails to commit, those that have not committed yet do not.
func TestAFailedCommitIsFollowedByNoOther(t *testing.T) {
	var p model.Pipeline
	c := (&numbers{n: 1000}).read(&p)
	first, second, third := &ledger{}, &ledger{commitErr: errSink}, &ledger{}
	for _, out := range []*ledger{first, second, third} {
		transforms.Write(c, out)
	}
	if err := direct.Run(t.Context(), &p); !errors.Is(err, errSink) {
		t.Errorf("the run returned %v, want %v", err, errSink)
	}
	if len(first.results()) != 1000 {
		t.Error("the first sink's commit was undone")
	}
	if err := third.left(); err != nil {
		t.Error("behind the sink that failed", err)
	}
	if len(third.aborts) == 0 {
		t.Error("the last sink was not told to abort")
	}
}

func TestShards(t *testing.T) {
	for name, c := range map[string]struct {
		parallelism, asked, sources, want int
	}{
		"one for each task":                        {parallelism: 3, sources: 1, want: 3},
		"as many as the sink asks for":             {parallelism: 4, asked: 2, sources: 1, want: 2},
		"no more than there are tasks":             {parallelism: 2, asked: 5, sources: 1, want: 2},
		"one for each task of each of two sources": {parallelism: 3, sources: 2, want: 6},
		"as many as asked for of two sources":      {parallelism: 3, asked: 2, sources: 2, want: 2},
	} {
		t.Run(name, func(t *testing.T) {
			var p model.Pipeline
			var inputs []model.PCollection[int]
			for range c.sources {
				inputs = append(inputs, transforms.Read(&p, &numbers{n: 5000, splits: 5}))
			}
			out := &ledger{shards: c.asked}
			transforms.Write(transforms.Flatten(inputs...), out)
			if _, err := (direct.Runner{Parallelism: c.parallelism}).Run(t.Context(), &p); err != nil {
				t.Fatal(err)
			}
			var want []sink.Shard
			for i := range c.want {
				want = append(want, sink.Shard{Index: i, Of: c.want})
			}
			opened := slices.SortedFunc(slices.Values(out.open), func(a, b sink.Shard) int { return a.Index - b.Index })
			if !slices.Equal(opened, want) {
				t.Errorf("shards %v were opened, want %v", opened, want)
			}
			if !slices.Equal(out.commits, want) {
				t.Errorf("shards %v were committed, want %v in this order", out.commits, want)
			}
			if got := out.results(); len(got) != 5000*c.sources {
				t.Errorf("%d elements were committed, want %d", len(got), 5000*c.sources)
			}
		})
	}
}

func TestAnEmptyResultIsCommitted(t *testing.T) {
	var p model.Pipeline
	out := &ledger{}
	transforms.Write((&numbers{}).read(&p), out)
	if err := direct.Run(t.Context(), &p); err != nil {
		t.Fatal(err)
	}
	if n := runtime.GOMAXPROCS(0); len(out.commits) != n || len(out.committed) != 0 {
		t.Errorf("%d shards with %d elements were committed, want %d empty ones", len(out.commits), len(out.committed), n)
	}
}
