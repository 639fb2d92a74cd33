// Command nexmark runs a query of the benchmark and measures it:
//
//	go run ./cmd/nexmark -query q5 -events 10000000 -runner direct -json
//
// It is the one place where figures are taken, so that those of different
// runners are taken alike. Package testing/nexmark says what the queries are and
// how the figures are to be read.
//
// Invariant: what is measured is a process that has done nothing but the run.
// The check against the oracle comes after the figures have been read, and where
// several runs are asked for (-repeat, -compare), each is a process of its own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // the run failed, or its result is not the oracle's
	exitUsage  = 2 // the command line makes no sense
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the command without the process around it.
func run(args []string, stdout, stderr io.Writer) int {
	o, err := parseOptions(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.Is(err, errReported):
		return exitUsage
	case err != nil:
		fmt.Fprintln(stderr, "nexmark:", err)
		return exitUsage
	}

	ctx := context.Background()
	var out outcome
	switch {
	case o.compare != "":
		out, err = compare(ctx, o)
	case o.repeat > 1:
		out, err = repeat(ctx, o)
	default:
		out, err = once(ctx, o)
	}
	if err == nil {
		err = out.write(stdout, o.json)
	}
	if err == nil {
		err = out.wrong()
	}
	if err != nil {
		fmt.Fprintln(stderr, "nexmark:", err)
		return exitFailed
	}
	return exitOK
}

// once measures a run in this process.
func once(ctx context.Context, o options) (outcome, error) {
	r, err := measure(ctx, o)
	if err != nil {
		return nil, err
	}
	runs := reports{r}
	if o.check {
		err = runs.check(o.query, o.config.Events)
	}
	return runs, err
}

// repeat measures several runs, a process each, one after another.
func repeat(ctx context.Context, o options) (outcome, error) {
	var runs reports
	for range o.repeat {
		r, err := child(ctx, o, o.runner, o.config.Parallelism)
		if err != nil {
			return nil, err
		}
		runs = append(runs, r)
	}
	if o.check {
		if err := runs.check(o.query, o.config.Events); err != nil {
			return nil, err
		}
	}
	return runs, nil
}
