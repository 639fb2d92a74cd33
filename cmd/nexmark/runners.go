package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/millrace/millrace/testing/nexmark"
	"github.com/millrace/millrace/testing/nexmark/loop"
	"github.com/millrace/millrace/testing/nexmark/pipeline"
)

// Runner computes a query over the events of the configuration.
type Runner func(context.Context, nexmark.Query, nexmark.Config) (nexmark.Result, error)

// runners are all there are, by the name that -runner and -compare take.
var runners = map[string]Runner{
	"direct":           pipeline.Run,
	"direct-in-memory": pipeline.RunInMemory,
	"loop":             loop.Run,
}

func runnerNames() string {
	return strings.Join(slices.Sorted(maps.Keys(runners)), ", ")
}

func checkRunner(name string) error {
	if _, ok := runners[name]; !ok {
		return fmt.Errorf("unknown runner %q, allowed: %s", name, runnerNames())
	}
	return nil
}
