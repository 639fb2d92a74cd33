package millrace_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millrace/millrace"
	"github.com/millrace/millrace/io/textio"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

// Versions of a pipeline that counts words by the hour, in accumulators of their own.

type tally1 struct {
	N    int32
	Note string
}

type tally2 struct { // a field is gone, one is new, one is wider
	Longest int
	N       int64
}

type counting1 struct{}

func count1() transforms.Combiner[int, tally1, int64] { return counting1{} }

func (counting1) New() tally1                { return tally1{} }
func (counting1) Add(a tally1, _ int) tally1 { a.N++; a.Note = "seen"; return a }
func (counting1) Merge(a, b tally1) tally1   { a.N += b.N; return a }
func (counting1) Result(a tally1) int64      { return int64(a.N) }

type counting2 struct{}

func count2() transforms.Combiner[int, tally2, int64] { return counting2{} }

func (counting2) New() tally2                { return tally2{} }
func (counting2) Add(a tally2, _ int) tally2 { a.N++; return a }
func (counting2) Merge(a, b tally2) tally2   { a.N += b.N; return a }
func (counting2) Result(a tally2) int64      { return a.N }

type word = model.KV[string, int]

// A version is a pipeline of the words that stop may end.
type version struct {
	name        string
	parallelism int
	build       func(folder string, words model.PCollection[string])
}

func hourly(words model.PCollection[string]) model.PCollection[word] {
	keyed := transforms.Map(words, func(w string) word { return model.KVOf(w, len(w)) })
	return transforms.Window(keyed, model.WindowingStrategy{Windows: windowing.Fixed{Size: time.Hour}})
}

var version1 = version{"the first", 2, func(folder string, words model.PCollection[string]) {
	put(folder, transforms.CombinePerKey(hourly(words), count1, model.Name("count")))
}}

var laterVersions = []version{
	{"the same with another parallelism", 5, version1.build},
	{"with other fields", 2, func(folder string, words model.PCollection[string]) {
		put(folder, transforms.CombinePerKey(hourly(words), count2, model.Name("count")))
	}},
	{"with a stage in between, a transform renamed and others added", 3, func(folder string, words model.PCollection[string]) {
		spread := transforms.Reshuffle(transforms.Map(words, strings.TrimSpace, model.Name("trim")))
		put(folder, transforms.CombinePerKey(hourly(spread), count2, model.Name("count")))
	}},
	{"with another grouping and another sink", 1, func(folder string, words model.PCollection[string]) {
		counts := transforms.CombinePerKey(hourly(words), count2, model.Name("count"))
		put(folder, counts)
		more := transforms.CombineGlobally(transforms.Map(counts, func(kv model.KV[string, int64]) int64 { return kv.Value }), transforms.Sum, model.Name("all"))
		lines := transforms.Map(more, func(n int64) string { return fmt.Sprint("all ", n) })
		textio.Write(lines, filepath.Join(folder, "out-all"), textio.WriteOptions{}, model.Name("totals"))
	}},
}

// run runs a version, until so many words are read or to its end.
func (v version) run(t *testing.T, folder string, o millrace.Options, until int64) error {
	t.Helper()
	var p model.Pipeline
	var read atomic.Int64
	stop := make(chan struct{})
	v.build(folder, transforms.Map(crashInputUntil(&p, folder, stop), func(w string) string {
		if read.Add(1) == until {
			close(stop)
		}
		return w
	}, model.Name("watch")))
	o.Parallelism, o.Stop = v.parallelism, stop
	o.CheckpointEvery = time.Hour // so that the checkpoints are those of the stops
	_, err := millrace.Run(t.Context(), &p, o)
	return err
}

func TestANewVersionGoesOnWhereTheOldOneStopped(t *testing.T) {
	for _, v := range laterVersions {
		t.Run(v.name, func(t *testing.T) {
			folder := fixture(t, 40_000)
			if err := version1.run(t, folder, saved(folder), 15_000); !errors.Is(err, millrace.ErrStopped) {
				t.Fatal(err)
			}
			// Stopped once more, so that there is state of both versions side by side.
			o := saved(folder)
			if err := v.run(t, folder, o, 5000); !errors.Is(err, millrace.ErrStopped) {
				t.Fatal(err)
			}
			if err := v.run(t, folder, o, -1); err != nil {
				t.Fatal(err)
			}
			undisturbed := t.TempDir()
			writeCrashInput(t, filepath.Join(undisturbed, "in"), 40_000)
			if err := v.run(t, undisturbed, millrace.Options{}, -1); err != nil {
				t.Fatal(err)
			}
			got, want := committed(t, folder), committed(t, undisturbed)
			if !slices.Equal(got, want) || len(want) < 10 {
				t.Errorf("%d lines were committed, want %d: %s", len(got), len(want), firstDifference(got, want))
			}
		})
	}
}

// State that has been dropped is gone for good.
func TestWhatNobodyClaimsIsDroppedOnlyIfThatIsAllowed(t *testing.T) {
	folder := fixture(t, 40_000)
	if err := version1.run(t, folder, saved(folder), 15_000); !errors.Is(err, millrace.ErrStopped) {
		t.Fatal(err)
	}
	renamed := version{"renamed", 2, func(folder string, words model.PCollection[string]) {
		put(folder, transforms.CombinePerKey(hourly(words), count2, model.Name("tally")))
	}}
	before := listing(t, filepath.Join(folder, "state"))
	err := renamed.run(t, folder, saved(folder), -1)
	if err == nil || !strings.Contains(err.Error(), "nothing in this pipeline claims") || !strings.Contains(err.Error(), "\tupgrade_test.go:65: state count/pending\n") {
		t.Fatalf("got %v", err)
	}
	if after := listing(t, filepath.Join(folder, "state")); !slices.Equal(before, after) {
		t.Errorf("the state had %v, and has %v", before, after)
	}
	o := saved(folder)
	o.AllowDroppedState = true
	if err := renamed.run(t, folder, o, 5000); !errors.Is(err, millrace.ErrStopped) {
		t.Fatal(err)
	}
	if err := version1.run(t, folder, o, 5000); !errors.Is(err, millrace.ErrStopped) {
		t.Fatal(err)
	}
	if err := version1.run(t, folder, o, -1); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, line := range committed(t, folder) {
		var count int
		_, counted, _ := strings.Cut(line, " ")
		if i := strings.LastIndexByte(counted, ' '); i >= 0 {
			_, _ = fmt.Sscanf(strings.TrimRight(counted[i+1:], "}"), "%d", &count)
		}
		n += count
	}
	if n == 0 || n > 40_000-15_000 {
		t.Errorf("%d words were counted, and 15,000 had been dropped before", n)
	}
}
