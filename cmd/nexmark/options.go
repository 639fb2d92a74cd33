package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/millrace/millrace/testing/nexmark"
)

// options are what the command line asks for, checked.
type options struct {
	query  nexmark.Query
	config nexmark.Config
	runner string

	state string // "mem" or "pebble"

	check bool // compare the result with the oracle's
	json  bool

	cpuProfile, memProfile string // files; empty for none

	repeat  int    // runs of runner
	compare string // the runner to compare with; empty for none
	rounds  int    // of a comparison, one run of either runner each
	// compareParallelism is the cores of the runner to compare with; 0 is as many.
	compareParallelism int
}

// errReported stands for an error that the user has been told already.
var errReported = errors.New("reported")

// parseOptions returns what args ask for. An error that is neither
// [flag.ErrHelp] nor errReported is still to be printed.
func parseOptions(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("nexmark", flag.ContinueOnError)
	flags.SetOutput(stderr)
	query := flags.String("query", string(nexmark.Q5), "the `query` to run: q1, q5 or q8")
	flags.Int64Var(&o.config.Events, "events", 10_000_000, "how many `events` to read")
	flags.StringVar(&o.runner, "runner", "direct", "the `runner` to use: "+runnerNames())
	flags.IntVar(&o.config.Parallelism, "parallelism", 2, "how many `cores` to use")
	flags.StringVar(&o.state, "state", "mem", "where the direct runner keeps its state: mem, or pebble with checkpoints")
	flags.DurationVar(&o.config.CheckpointEvery, "checkpoint", 5*time.Second, "with -state pebble: time between two checkpoints")
	flags.StringVar(&o.config.StateDir, "state-dir", "", "with -state pebble: the `folder` to use, and to go on from (default a temporary one)")
	flags.BoolVar(&o.json, "json", false, "print JSON instead of a table")
	flags.BoolVar(&o.check, "check", true, "compare the result with the oracle's, after the measurement")
	flags.StringVar(&o.cpuProfile, "cpuprofile", "", "write a CPU profile of the run to this `file`")
	flags.StringVar(&o.memProfile, "memprofile", "", "write a profile of the run's allocations to this `file`")
	flags.IntVar(&o.repeat, "repeat", 1, "run so many `times`, a process each")
	flags.StringVar(&o.compare, "compare", "", "run this other `runner` too, and print how the two compare per CPU-second")
	flags.IntVar(&o.compareParallelism, "compare-parallelism", 0, "with -compare: how many `cores` the other runner is to use (default as many)")
	flags.IntVar(&o.rounds, "rounds", 5, "with -compare: run both runners so many `times`")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return o, err
	case err != nil:
		return o, errReported
	case flags.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q, all is said by flags", flags.Arg(0))
	}
	var err error
	if o.query, err = nexmark.ParseQuery(*query); err != nil {
		return o, fmt.Errorf("-query: %w", err)
	}
	return o, o.validate()
}

// validate returns an error for what the flag package cannot know to be wrong.
func (o options) validate() error {
	if err := checkRunner(o.runner); err != nil {
		return fmt.Errorf("-runner: %w", err)
	}
	if o.config.Events < 1 {
		return fmt.Errorf("-events: %d, allowed: 1 or more", o.config.Events)
	}
	if o.config.Parallelism < 1 {
		return fmt.Errorf("-parallelism: %d, allowed: 1 or more", o.config.Parallelism)
	}
	if o.state != "mem" && o.state != "pebble" {
		return fmt.Errorf("-state: %q, allowed: mem, pebble", o.state)
	}
	if o.config.StateDir != "" && o.state != "pebble" {
		return errors.New("-state-dir is for -state pebble")
	}
	if o.config.CheckpointEvery < time.Millisecond {
		return fmt.Errorf("-checkpoint: %v, allowed: 1ms or more", o.config.CheckpointEvery)
	}
	if o.repeat < 1 {
		return fmt.Errorf("-repeat: %d, allowed: 1 or more", o.repeat)
	}
	if o.compareParallelism < 0 {
		return fmt.Errorf("-compare-parallelism: %d, allowed: 0 or more", o.compareParallelism)
	}
	if o.compareParallelism > 0 && o.compare == "" {
		return errors.New("-compare-parallelism is for -compare")
	}
	if o.rounds < 1 {
		return fmt.Errorf("-rounds: %d, allowed: 1 or more", o.rounds)
	}
	if o.compare != "" {
		if err := checkRunner(o.compare); err != nil {
			return fmt.Errorf("-compare: %w", err)
		}
		if o.repeat > 1 {
			return errors.New("-repeat does not go with -compare, allowed: -rounds")
		}
	}
	if (o.cpuProfile != "" || o.memProfile != "") && (o.compare != "" || o.repeat > 1) {
		return errors.New("-cpuprofile and -memprofile are for a single run, allowed: neither -repeat nor -compare")
	}
	return nil
}
