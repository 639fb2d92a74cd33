package direct

import (
	"fmt"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
)

// A Report is how far a run is, or was when it ended.
type Report struct {
	Elapsed time.Duration
	// Sources, Groupings and Sinks are in pipeline order.
	Sources   []SourceReport
	Groupings []GroupingReport
	Sinks     []SinkReport
	// Windowless are the transforms that were given elements without a window, in
	// pipeline order.
	Windowless []WindowlessReport
	// Checkpoints is zero where everything is in memory only.
	Checkpoints CheckpointReport
	// Restart says how often the run was started again. The rest of the report is of
	// the attempt that is under way, or was the last.
	Restart RestartReport
	// Guarantees are those of sinks and of ForEach.
	Guarantees []Guarantee
}

// A CheckpointReport is what the checkpoints of a run came to.
type CheckpointReport struct {
	// Taken are those that are durable.
	Taken int64
	// Failed are those that came to nothing, InARow as many of them as came last, and
	// LastFailure is why the last one did.
	Failed, InARow int64
	LastFailure    error
	// Last is how long the last one took, from its barrier to the commits of the sinks.
	Last time.Duration
	// LongestPause is the longest time that a task spent on a checkpoint without doing
	// anything else.
	LongestPause time.Duration
	// Bytes is the size of the newest one.
	Bytes int64
	// Paging is what became of the cells that are not all kept in memory.
	Paging PagingReport
	// Shipping is how far they were shipped.
	Shipping ShippingReport
}

// A SourceReport is how far a source was read.
type SourceReport struct {
	Name     string
	Elements int64
	// Done and Total are in bytes where the source has bytes; Total is 0 if unknown.
	Done, Total int64
	// Watermark is the lowest of the source's tasks; MaxTimestamp once all is read.
	Watermark model.Timestamp
	// Splits are those that are being read. Waiting is how many no task reads yet.
	Splits  []SplitReport
	Waiting int
}

// A SplitReport is how far a split was read, that is being read.
type SplitReport struct {
	ID string
	// Done and Total are as in SourceReport.
	Done, Total int64
	Watermark   model.Timestamp
	// Idle says that the split has had nothing for so long that the watermark goes on
	// without it.
	Idle bool
}

// A GroupingReport is what a grouping made of its elements. One that belongs to
// several windows is on time if one of them was still to fire, and late or dropped
// once for each that was not.
type GroupingReport struct {
	Name                  string
	OnTime, Late, Dropped int64
	Panes                 int64
	// Waiting is how many elements wait, in memory, for side inputs.
	Waiting int64
	// Watermark is the lowest of the grouping's tasks.
	Watermark model.Timestamp
}

// A SinkReport is how much a sink was given.
type SinkReport struct {
	Name     string
	Elements int64
}

// A WindowlessReport is how many elements a transform dropped since their WindowFn gave
// them no window. It is counted by the first transform that asks for their windows.
type WindowlessReport struct {
	Name     string
	Elements int64
}

// Dropped is how many elements were dropped in all, as too late or without a window.
func (r Report) Dropped() int64 { return r.late() + r.windowless() }

// late is how many elements were dropped as too late.
func (r Report) late() (n int64) {
	for _, g := range r.Groupings {
		n += g.Dropped
	}
	return n
}

// windowless is how many elements were in no window.
func (r Report) windowless() (n int64) {
	for _, w := range r.Windowless {
		n += w.Elements
	}
	return n
}

// Waiting is how many elements wait for side inputs.
func (r Report) Waiting() (n int64) {
	for _, g := range r.Groupings {
		n += g.Waiting
	}
	return n
}

// Grouping is the report of the grouping of that name, or a zero one.
func (r Report) Grouping(name string) GroupingReport {
	for _, g := range r.Groupings {
		if g.Name == name {
			return g
		}
	}
	return GroupingReport{}
}

// String is a line about the sources, what was dropped, what waits, and the time.
func (r Report) String() string {
	var b strings.Builder
	for _, s := range r.Sources {
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%s: %d elements", s.Name, s.Elements)
		if s.Total > 0 {
			fmt.Fprintf(&b, ", %d%%", min(100, s.Done*100/s.Total))
		}
		if n := s.idle(); n > 0 {
			fmt.Fprintf(&b, ", %d of %d splits idle", n, len(s.Splits))
		}
		switch {
		case s.Watermark <= model.MinTimestamp:
			b.WriteString(", watermark has not moved")
		case s.Watermark < model.MaxTimestamp:
			fmt.Fprintf(&b, ", watermark %v", s.Watermark)
		}
	}
	if n := r.late(); n > 0 {
		fmt.Fprintf(&b, "; %d dropped as too late", n)
	}
	if n := r.windowless(); n > 0 {
		fmt.Fprintf(&b, "; %d in no window", n)
	}
	if n := r.Waiting(); n > 0 {
		fmt.Fprintf(&b, "; %d wait for side inputs", n)
	}
	if c := r.Checkpoints; c.Taken > 0 {
		fmt.Fprintf(&b, "; %d checkpoints, the last in %v", c.Taken, c.Last.Round(time.Millisecond))
	}
	if p := r.Checkpoints.Paging; p.Evicted > 0 || p.Over > 0 {
		fmt.Fprintf(&b, "; %d MB of %d for state in use, %d entries written out and %d read back", p.Resident>>20, p.Budget>>20, p.Evicted, p.Loaded)
		if p.Over > 0 {
			fmt.Fprintf(&b, ", %d times over", p.Over)
		}
	}
	if c := r.Checkpoints; c.InARow > 0 {
		text, _, _ := strings.Cut(c.LastFailure.Error(), "\n")
		fmt.Fprintf(&b, "; the last %d checkpoints failed: %s", c.InARow, text)
	}
	if s := r.Checkpoints.Shipping; s.To != "" {
		text, _, _ := strings.Cut(s.String(), "\n")
		b.WriteString("; " + text)
	}
	if n := r.Restart.Restarts; n > 0 {
		fmt.Fprintf(&b, "; started again %d times", n)
	}
	fmt.Fprintf(&b, "; %v", r.Elapsed.Round(time.Millisecond))
	return b.String()
}

// idle is how many splits are.
func (s SourceReport) idle() (n int) {
	for _, x := range s.Splits {
		if x.Idle {
			n++
		}
	}
	return n
}

// report adds up the tasks' last snapshots.
func (r *run) report() Report {
	r.sched.mu.Lock()
	defer r.sched.mu.Unlock()
	counts := map[*model.Node]engine.Counts{}
	watermark := map[*model.Node]model.Timestamp{}
	sources := map[*model.Node]*SourceReport{}
	for _, s := range r.stages {
		low, src := model.MaxTimestamp, &SourceReport{}
		sources[s.Head] = src
		for _, t := range s.tasks {
			for _, c := range t.counts {
				sum := counts[c.node]
				sum.Add(c.counts)
				counts[c.node] = sum
			}
			if t.counts == nil {
				low = model.MinTimestamp
			} else {
				low = min(low, t.progress.watermark)
			}
			src.Done += t.progress.Done
			src.Total += t.progress.Total
			for _, x := range t.progress.splits {
				src.Splits = append(src.Splits, SplitReport{x.ID, x.Done, x.Total, x.Watermark, x.Idle})
			}
		}
		watermark[s.Head] = low
		if s.splits != nil {
			left, waiting := s.splits.left()
			src.Total += left
			src.Waiting = waiting
		}
	}
	rep := Report{Elapsed: r.host.Now().Sub(r.start), Checkpoints: r.saves.report(), Restart: r.restarts, Guarantees: r.guarantees}
	for _, n := range r.plan.Pipeline.Nodes() {
		c := counts[n]
		if c.Windowless > 0 {
			rep.Windowless = append(rep.Windowless, WindowlessReport{n.Name, c.Windowless})
		}
		switch n.Spec.(type) {
		case engine.SourceSpec:
			src := sources[n]
			src.Name, src.Elements, src.Watermark = n.Name, c.Read, watermark[n]
			rep.Sources = append(rep.Sources, *src)
		case engine.SinkSpec:
			rep.Sinks = append(rep.Sinks, SinkReport{n.Name, c.Written})
		case engine.ExchangeSpec:
			if c.OnTime+c.Late+c.Dropped+c.Panes > 0 || n.Kind != "Reshuffle" {
				rep.Groupings = append(rep.Groupings, GroupingReport{n.Name, c.OnTime, c.Late, c.Dropped, c.Panes, c.Waiting, watermark[n]})
			}
		}
	}
	return rep
}

// show hands rep to whoever wants to see it.
func (r *run) show(rep Report) error {
	if r.cfg.Progress == nil {
		return nil
	}
	err := guarded(func() error { r.cfg.Progress(rep); return nil })
	if err != nil {
		return fmt.Errorf("direct: calling Runner.Progress: %w", err)
	}
	return nil
}

// reportProgress calls Progress from time to time until the returned function is
// called.
func (r *run) reportProgress() (stop func()) {
	if r.cfg.Progress == nil {
		return func() {}
	}
	return every(r.cfg.ProgressEvery, func() {
		if err := r.show(r.report()); err != nil {
			r.sched.fail(err)
		}
	})
}

// every calls f each d until the returned function is called, which waits for f.
func every(d time.Duration, f func()) (stop func()) {
	tick := time.NewTicker(d)
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-tick.C:
				f()
			case <-end:
				return
			}
		}
	}()
	return func() {
		tick.Stop()
		close(end)
		<-ended
	}
}

// report is what the report says of checkpoints.
func (c *checkpoints) report() CheckpointReport {
	if c == nil {
		return CheckpointReport{}
	}
	failed := c.failures()
	r := CheckpointReport{
		Taken: c.taken.Load(), Last: time.Duration(c.last.Load()), Bytes: c.store.Stats().Bytes,
		Failed: failed.all, InARow: failed.inARow, LastFailure: failed.last, Shipping: c.cfg.ships.status(),
	}
	for _, s := range c.run.stages {
		for _, t := range s.tasks {
			r.Paging.add(t.paged)
			r.LongestPause = max(r.LongestPause, time.Duration(t.pause.Load()))
		}
	}
	return r
}
