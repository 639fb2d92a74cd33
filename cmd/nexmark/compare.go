package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"

	"github.com/millrace/millrace/testing/nexmark"
)

// comparison tells how two runners did on the same query.
type comparison struct {
	Query   nexmark.Query `json:"query"`
	Events  int64         `json:"events"`
	Runner  string        `json:"runner"`
	Compare string        `json:"compare"`

	// Ratios are, round by round, the events per CPU-second of Runner divided
	// by those of Compare: 0.5 means that Runner takes twice the CPU.
	Ratios      []float64 `json:"ratios"`
	RatioMedian float64   `json:"ratio_median"`
	RatioMin    float64   `json:"ratio_min"`
	RatioMax    float64   `json:"ratio_max"`

	// Runs holds the two runs of each round, that of Runner first.
	Runs reports `json:"runs"`
}

// compare runs the query on both runners in turn, and the other one first every
// second round, so that what else the machine does hits both alike.
func compare(ctx context.Context, o options) (outcome, error) {
	c := comparison{Query: o.query, Events: o.config.Events, Runner: o.runner, Compare: o.compare}
	cores := [2]int{o.config.Parallelism, o.compareParallelism}
	if cores[1] == 0 {
		cores[1] = cores[0]
	}
	if cores[0] != cores[1] {
		c.Runner = fmt.Sprintf("%s with %d", o.runner, cores[0])
		c.Compare = fmt.Sprintf("%s with %d", o.compare, cores[1])
	}
	for round := range o.rounds {
		var pair [2]report
		names := [2]string{o.runner, o.compare}
		for turn := range pair {
			i := (round + turn) % 2
			var err error
			if pair[i], err = child(ctx, o, names[i], cores[i]); err != nil {
				return nil, err
			}
		}
		c.Runs = append(c.Runs, pair[:]...)
	}
	if o.check {
		if err := c.Runs.check(o.query, o.config.Events); err != nil {
			return nil, err
		}
	}
	if err := c.computeRatios(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *comparison) computeRatios() error {
	for pair := range slices.Chunk(c.Runs, 2) {
		a, b := pair[0].EventsPerCPUSecond, pair[1].EventsPerCPUSecond
		if a == 0 || b == 0 {
			return errors.New("a run was too short to measure its CPU time; use more -events")
		}
		c.Ratios = append(c.Ratios, a/b)
	}
	c.RatioMedian = median(c.Ratios)
	c.RatioMin = slices.Min(c.Ratios)
	c.RatioMax = slices.Max(c.Ratios)
	return nil
}

// median returns the middle of the values, of which there is at least one, or
// the mean of the middle two.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

func (c comparison) wrong() error { return c.Runs.wrong() }

func (c comparison) write(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(c)
	}
	if err := c.Runs.writeTable(w); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s / %s, events per CPU-second: median %.2f, min %.2f, max %.2f in %d rounds\n",
		c.Runner, c.Compare, c.RatioMedian, c.RatioMin, c.RatioMax, len(c.Ratios))
	return err
}

// child measures a run of the query on so many cores in a process of its own, which is this
// program started again. It leaves the check of the result to the caller.
func child(ctx context.Context, o options, runner string, cores int) (report, error) {
	self, err := os.Executable()
	if err != nil {
		return report{}, err
	}
	cmd := exec.CommandContext(ctx, self,
		"-query", string(o.query),
		"-runner", runner,
		"-events", strconv.FormatInt(o.config.Events, 10),
		"-parallelism", strconv.Itoa(cores),
		"-state", o.state,
		"-checkpoint", o.config.CheckpointEvery.String(),
		"-check=false",
		"-json")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return report{}, fmt.Errorf("%s on %s: %w: %s", o.query, runner, err, bytes.TrimSpace(stderr.Bytes()))
	}
	var r report
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		return report{}, fmt.Errorf("%s on %s: reading its report: %w", o.query, runner, err)
	}
	return r, nil
}
