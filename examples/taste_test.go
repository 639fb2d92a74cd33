// Package examples_test holds what the README shows of the verbs.
package examples_test

import (
	"cmp"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/io/textio"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

func TestTheMostFrequentWords(t *testing.T) {
	t.Chdir(t.TempDir())
	writeLog(t, "logs/a.gz", "To be or not to be\n")
	writeLog(t, "logs/b.gz", "Be that as it may\n")
	byCount := func(a, b model.KV[string, int64]) int { return cmp.Compare(a.Value, b.Value) }

	var p model.Pipeline
	lines := textio.Read(&p, "logs/*.gz", textio.Options{})
	words := transforms.FlatMap(lines, strings.FieldsSeq)
	lower := transforms.Map(words, strings.ToLower)
	counts := transforms.Count(lower)
	top := transforms.CombineGlobally(counts, transforms.Top(10, byCount))

	best := transforms.Map(top, func(top []model.KV[string, int64]) model.KV[string, int64] { return top[0] })
	streamtest.WantInWindow(t, best, model.GlobalWindow, model.KVOf("be", int64(3)))
}

func TestMeanDelayPerHour(t *testing.T) {
	var p model.Pipeline
	const minute = model.Timestamp(60_000_000)
	hour := model.Window{Start: 0, End: 60 * minute}
	delay := model.KVOf[string, float64]
	byAirport := streamtest.NewStream[model.KV[string, float64]](&p).
		Add(10*minute, delay("JFK", 10), delay("LGA", 3)).
		Add(50*minute, delay("JFK", 20)).
		Watermark(60*minute).
		Add(59*minute, delay("LGA", 5)).
		End()

	hourly := model.WindowingStrategy{
		Windows:  windowing.Fixed{Size: time.Hour},
		Lateness: 24 * time.Hour,     // how long an hour still takes stragglers
		Panes:    model.Accumulating, // a later pane replaces the earlier one
	}
	delays := transforms.CombinePerKey(transforms.Window(byAirport, hourly), transforms.Mean)

	streamtest.WantPanes(t, delays,
		streamtest.OnTime(hour, delay("JFK", 15), delay("LGA", 3)),
		streamtest.Late(hour, delay("LGA", 4)))
}

func writeLog(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
