package millrace

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/io/textio"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

// Whoever asks for no progress is told by the log what was dropped.
func TestARunWithoutProgressTellsWhatItDropped(t *testing.T) {
	in := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(in, []byte("10\n80\n5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	second := func(line string) model.Timestamp {
		n, _ := strconv.Atoi(line)
		return model.Timestamp(n) * 1_000_000
	}
	var p model.Pipeline
	lines := transforms.Read(&p, source.WithEventTime(textio.Source(in, textio.Options{}), second, source.BoundedOutOfOrderness(0)))
	transforms.Count(transforms.Window(lines, model.WindowingStrategy{Windows: windowing.Fixed{Size: time.Minute}}), model.Name("Lines"))
	var log bytes.Buffer
	report, err := Run(t.Context(), &p, Options{Parallelism: 1, SourceBatch: 1, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil || report.Dropped() != 1 {
		t.Fatalf("%d dropped, want 1; %v", report.Dropped(), err)
	}
	if !strings.Contains(log.String(), "dropped=1 of=3 transform=Lines/CombinePerKey") {
		t.Errorf("the log has\n%s", log.String())
	}
}
