package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/millrace/millrace/testing/nexmark"
	"github.com/millrace/millrace/testing/nexmark/oracle"
)

// What report.Oracle may be.
const (
	equal     = "equal"
	different = "different"
	unchecked = "unchecked"
)

// report tells what one run did and used. Its JSON form is what programs read;
// its fields are not to change.
type report struct {
	Query              nexmark.Query `json:"query"`
	Runner             string        `json:"runner"`
	Events             int64         `json:"events"`
	WallSeconds        float64       `json:"wall_seconds"`
	CPUSeconds         float64       `json:"cpu_seconds"`
	EventsPerSecond    float64       `json:"events_per_second"`
	EventsPerCPUSecond float64       `json:"events_per_cpu_second"`
	MaxRSSBytes        int64         `json:"max_rss_bytes"`
	ResultChecksum     string        `json:"result_checksum"`
	Oracle             string        `json:"oracle"`

	Checkpoints          int64   `json:"checkpoints"`
	CheckpointPauseMsMax float64 `json:"checkpoint_pause_ms_max"`
	StateBytes           int64   `json:"state_bytes"`
}

// outcome is what the command prints.
type outcome interface {
	write(w io.Writer, asJSON bool) error
	// wrong returns an error if a result is not the oracle's.
	wrong() error
}

// reports are runs of the same query over the same events.
type reports []report

// check compares the results with the oracle's.
func (rs reports) check(q nexmark.Query, events int64) error {
	want, err := oracle.Compute(q, events)
	if err != nil {
		return err
	}
	for i := range rs {
		rs[i].Oracle = different
		if rs[i].ResultChecksum == want.Checksum() {
			rs[i].Oracle = equal
		}
	}
	return nil
}

func (rs reports) wrong() error {
	for _, r := range rs {
		if r.Oracle == different {
			return fmt.Errorf("%s on %s: the result differs from the oracle's: %s", r.Query, r.Runner, r.ResultChecksum)
		}
	}
	return nil
}

// write prints a JSON object per run, or a table of them.
func (rs reports) write(w io.Writer, asJSON bool) error {
	if !asJSON {
		return rs.writeTable(w)
	}
	enc := json.NewEncoder(w)
	for _, r := range rs {
		if err := enc.Encode(r); err != nil {
			return err
		}
	}
	return nil
}

func (rs reports) writeTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "query\trunner\tevents\twall s\tCPU s\tevents/s\tevents/CPU-s\tmax RSS\toracle\tresult")
	for _, r := range rs {
		fmt.Fprintf(t, "%s\t%s\t%d\t%.2f\t%.2f\t%s\t%s\t%.0f MiB\t%s\t%s\n",
			r.Query, r.Runner, r.Events, r.WallSeconds, r.CPUSeconds,
			millions(r.EventsPerSecond), millions(r.EventsPerCPUSecond),
			float64(r.MaxRSSBytes)/(1<<20), r.Oracle, r.ResultChecksum)
	}
	return t.Flush()
}

func millions(perSecond float64) string { return fmt.Sprintf("%.2fM", perSecond/1e6) }
