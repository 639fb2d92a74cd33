package pipeline

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/millrace/millrace/io/textio"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/testing/killtest"
	"github.com/millrace/millrace/testing/nexmark"
	"github.com/millrace/millrace/transforms"
)

var kills = flag.Int("kills", 5, "how many processes are killed")

// q5Files is Q5 from a file of events to files of windows.
var q5Files = killtest.Program{
	Name:    "nexmark q5",
	Prepare: func(folder string) error { return writeEvents(filepath.Join(folder, "events"), 600_000) },
	Run:     runQ5Files,
	Outputs: []string{"hottest*"},
}

func TestMain(m *testing.M) { os.Exit(killtest.Main(m, q5Files)) }

func TestQ5KilledLosesAndDoublesNothing(t *testing.T) { q5Files.Test(t, *kills) }

func writeEvents(path string, n int64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	var e nexmark.Event
	for i := range n {
		nexmark.At(i, &e)
		fmt.Fprintln(w, e.Time, e.Kind, e.ID)
	}
	return errors.Join(w.Flush(), f.Close())
}

// eventOf reads what writeEvents wrote.
func eventOf(line string) (e nexmark.Event, err error) {
	var kind string
	_, err = fmt.Sscan(line, &e.Time, &kind, &e.ID)
	for e.Kind = nexmark.Person; e.Kind < nexmark.Bid && e.Kind.String() != kind; {
		e.Kind++
	}
	return e, err
}

func runQ5Files(folder string) error {
	var p model.Pipeline
	lines := source.WithEventTime(textio.Source(filepath.Join(folder, "events"), textio.Options{}), func(line string) model.Timestamp {
		var ms int64
		_, _ = fmt.Sscan(line, &ms) // eventOf reports what is wrong with it
		return model.Timestamp(ms * 1000)
	}, source.Monotonic())
	events := transforms.TryMap(transforms.Read(&p, lines), func(_ context.Context, line string) (nexmark.Event, error) { return eventOf(line) })
	windows := transforms.Do(hottest(events), transforms.DoFunc[[]bidCount, string](
		func(_ context.Context, e transforms.Element[[]bidCount], out transforms.Output[string]) error {
			out.Emit(fmt.Sprint(e.Window, " ", e.Value))
			return nil
		}))
	textio.Write(windows, filepath.Join(folder, "hottest"), textio.WriteOptions{})
	_, err := direct.Runner{Parallelism: 2, SourceBatch: 256, Checkpoints: direct.Checkpoints{
		Dir: filepath.Join(folder, "state"), Every: 10 * time.Millisecond,
	}}.Run(context.Background(), &p)
	return err
}
