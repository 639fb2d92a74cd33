package outbox_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/io/outbox"
	"github.com/millrace/millrace/io/textio"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/testing/killtest"
	"github.com/millrace/millrace/transforms"
)

var kills = flag.Int("kills", 5, "how many processes are killed")

// letters delivers lines to a folder that takes each key once, as a receiver does that
// heeds keys.
var letters = killtest.Program{
	Name: "letters",
	Prepare: func(folder string) error {
		var lines strings.Builder
		for i := range 400_000 {
			fmt.Fprintln(&lines, "line", i)
		}
		return os.WriteFile(filepath.Join(folder, "in"), []byte(lines.String()), 0o666)
	},
	Run:     deliverLines,
	Outputs: []string{"inbox/*"},
}

func TestMain(m *testing.M) { os.Exit(killtest.Main(m, letters)) }

func TestLettersOfKilledProcessesArriveOnce(t *testing.T) { letters.Test(t, *kills) }

func deliverLines(folder string) error {
	inbox := filepath.Join(folder, "inbox")
	if err := os.MkdirAll(inbox, 0o777); err != nil {
		return err
	}
	var p model.Pipeline
	lines := transforms.Filter(textio.Read(&p, filepath.Join(folder, "in"), textio.Options{}), func(line string) bool { return strings.HasSuffix(line, "77") })
	transforms.Write(lines, outbox.Sink("letters", func(_ context.Context, key, line string) error {
		hidden := filepath.Join(folder, "."+key)
		if err := os.WriteFile(hidden, []byte(line+"\n"), 0o666); err != nil {
			return err
		}
		return os.Rename(hidden, filepath.Join(inbox, key))
	}))
	_, err := direct.Runner{Parallelism: 2, SourceBatch: 64, Checkpoints: direct.Checkpoints{
		Dir: filepath.Join(folder, "state"), Every: 5 * time.Millisecond,
	}}.Run(context.Background(), &p)
	return err
}
