package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/millrace/millrace/testing/nexmark"
)

// measure runs the query once in this process. CPU time and memory are those of
// the whole process up to the end of the run, its start included; the wall time
// is that of the query alone.
func measure(ctx context.Context, o options) (report, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(o.config.Parallelism))
	stopProfile, err := startCPUProfile(o.cpuProfile)
	if err != nil {
		return report{}, err
	}
	removeState, err := o.openState()
	if err != nil {
		return report{}, err
	}
	defer removeState()
	var saved nexmark.Saved
	o.config.Saved = &saved
	start := time.Now()
	result, err := runners[o.runner](ctx, o.query, o.config)
	wall := time.Since(start)
	used, usageErr := processUsage()
	profileErr := stopProfile()
	switch {
	case err != nil:
		return report{}, fmt.Errorf("%s on %s: %w", o.query, o.runner, err)
	case usageErr != nil:
		return report{}, fmt.Errorf("reading what the process used: %w", usageErr)
	case profileErr != nil:
		return report{}, profileErr
	}
	if err := writeMemProfile(o.memProfile); err != nil {
		return report{}, err
	}
	return report{
		Query:              o.query,
		Runner:             o.runner,
		Events:             o.config.Events,
		WallSeconds:        wall.Seconds(),
		CPUSeconds:         used.cpu.Seconds(),
		EventsPerSecond:    rate(o.config.Events, wall),
		EventsPerCPUSecond: rate(o.config.Events, used.cpu),
		MaxRSSBytes:        used.maxRSS,
		ResultChecksum:     result.Checksum(),
		Oracle:             unchecked,

		Checkpoints:          saved.Checkpoints,
		CheckpointPauseMsMax: float64(saved.LongestPause.Microseconds()) / 1000,
		StateBytes:           saved.StateBytes,
	}, nil
}

// openState makes a temporary state directory, if one is wanted and none is named.
func (o *options) openState() (remove func(), err error) {
	if o.state != "pebble" || o.config.StateDir != "" {
		return func() {}, nil
	}
	if o.config.StateDir, err = os.MkdirTemp("", "nexmark-state-"); err != nil {
		return nil, fmt.Errorf("-state: %w", err)
	}
	return func() { os.RemoveAll(o.config.StateDir) }, nil
}

// usage is what this process has used since it was started.
type usage struct {
	cpu    time.Duration // user and system time of all threads
	maxRSS int64         // bytes
}

// rate returns events per second, or 0 if the clock did not advance.
func rate(events int64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(events) / d.Seconds()
}

// startCPUProfile starts to profile if a file is named. The function that it
// returns ends that.
func startCPUProfile(name string) (stop func() error, err error) {
	if name == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, fmt.Errorf("-cpuprofile: %w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("-cpuprofile: %w", err)
	}
	return func() error {
		pprof.StopCPUProfile()
		if err := f.Close(); err != nil {
			return fmt.Errorf("-cpuprofile: %w", err)
		}
		return nil
	}, nil
}

// writeMemProfile writes all allocations so far if a file is named.
func writeMemProfile(name string) error {
	if name == "" {
		return nil
	}
	f, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("-memprofile: %w", err)
	}
	runtime.GC() // a profile holds what was known at the last collection
	if err := pprof.Lookup("allocs").WriteTo(f, 0); err != nil {
		f.Close()
		return fmt.Errorf("-memprofile: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("-memprofile: %w", err)
	}
	return nil
}
