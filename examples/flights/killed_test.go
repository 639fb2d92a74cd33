package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/millrace/millrace"
	"github.com/millrace/millrace/examples/flights/data"
	"github.com/millrace/millrace/examples/flights/report"
	"github.com/millrace/millrace/io/csvio"
	"github.com/millrace/millrace/io/textio"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/testing/killtest"
	"github.com/millrace/millrace/transforms"
)

var kills = flag.Int("kills", 5, "how many processes are killed")

// flightsToFiles is the example with files for results: the hours, which come at the
// end, and the flights behind them, which come all the time.
var flightsToFiles = killtest.Program{
	Name:    "flights",
	Prepare: func(folder string) error { return unpackTable(filepath.Join(folder, "flights.csv")) },
	Run:     runToFiles,
	Outputs: []string{"hours*", "departed*", "cancelled*", "bad*"},
}

func TestMain(m *testing.M) { os.Exit(killtest.Main(m, flightsToFiles)) }

func TestFlightsKilledLoseAndDoubleNothing(t *testing.T) { flightsToFiles.Test(t, *kills) }

func unpackTable(path string) error {
	in, err := data.Open("")
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Close()
}

func runToFiles(folder string) error {
	s := Settings{Input: filepath.Join(folder, "flights.csv"), Window: time.Hour, Bound: time.Hour, Lateness: 24 * time.Hour}
	var p model.Pipeline
	departed, cancelled, bad := Read(&p, s)
	lines := func(name string, c model.PCollection[string]) {
		textio.Write(c, filepath.Join(folder, name), textio.WriteOptions{}, model.Name("Write "+name))
	}
	lines("hours", transforms.Map(Hourly(departed, s), func(h report.Hour) string { return fmt.Sprint(h) }))
	lines("departed", transforms.Map(departed, func(f Flight) string { return fmt.Sprint(f.Scheduled, f.Origin, *f.Delay) }))
	lines("cancelled", transforms.Map(cancelled, func(f Flight) string { return fmt.Sprint(f.Scheduled, f.Origin) }))
	lines("bad", transforms.Map(bad, func(b csvio.BadRow) string { return fmt.Sprint(b) }))
	_, err := millrace.Run(context.Background(), &p, millrace.Options{
		Parallelism: 2, SourceBatch: 256, StateDir: filepath.Join(folder, "state"), CheckpointEvery: 10 * time.Millisecond,
		Restart: direct.NoRestart{}, // the next process does that
	})
	return err
}
