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
}

// A SourceReport is how far a source was read.
type SourceReport struct {
	Name     string
	Elements int64
	// Done and Total are in bytes where the source has bytes; Total is 0 if unknown.
	Done, Total int64
	// Watermark is the lowest of the source's tasks; MaxTimestamp once all is read.
	Watermark model.Timestamp
}

// A GroupingReport is what a grouping made of its elements. One that belongs to
// several windows is on time if one of them was still to fire, and late or dropped
// once for each that was not.
type GroupingReport struct {
	Name                  string
	OnTime, Late, Dropped int64
	Panes                 int64
	// Watermark is the lowest of the grouping's tasks.
	Watermark model.Timestamp
}

// A SinkReport is how much a sink was given.
type SinkReport struct {
	Name     string
	Elements int64
}

// Dropped is how many elements were dropped in all, as too late.
func (r Report) Dropped() (n int64) {
	for _, g := range r.Groupings {
		n += g.Dropped
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

// String is a line about the sources, what was dropped, and the time.
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
		if s.Watermark > model.MinTimestamp && s.Watermark < model.MaxTimestamp {
			fmt.Fprintf(&b, ", watermark %v", s.Watermark)
		}
	}
	if n := r.Dropped(); n > 0 {
		fmt.Fprintf(&b, "; %d dropped as too late", n)
	}
	fmt.Fprintf(&b, "; %v", r.Elapsed.Round(time.Millisecond))
	return b.String()
}

// report adds up the tasks' last snapshots.
func (r *run) report() Report {
	r.sched.mu.Lock()
	defer r.sched.mu.Unlock()
	counts := map[*model.Node]engine.Counts{}
	watermark := map[*model.Node]model.Timestamp{}
	done, total := map[*model.Node]int64{}, map[*model.Node]int64{}
	for _, s := range r.stages {
		low := model.MaxTimestamp
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
			done[s.Head] += t.progress.Done
			total[s.Head] += t.progress.Total
		}
		watermark[s.Head] = low
		if s.splits != nil {
			total[s.Head] += s.splits.left()
		}
	}
	rep := Report{Elapsed: time.Since(r.start)}
	for _, n := range r.plan.Pipeline.Nodes() {
		c := counts[n]
		switch n.Spec.(type) {
		case engine.SourceSpec:
			rep.Sources = append(rep.Sources, SourceReport{n.Name, c.Read, done[n], total[n], watermark[n]})
		case engine.SinkSpec:
			rep.Sinks = append(rep.Sinks, SinkReport{n.Name, c.Written})
		case engine.ExchangeSpec:
			if c.OnTime+c.Late+c.Dropped+c.Panes > 0 || n.Kind != "Reshuffle" {
				rep.Groupings = append(rep.Groupings, GroupingReport{n.Name, c.OnTime, c.Late, c.Dropped, c.Panes, watermark[n]})
			}
		}
	}
	return rep
}

// reportProgress calls Progress from time to time until the returned function is
// called.
func (r *run) reportProgress() (stop func()) {
	if r.cfg.Progress == nil {
		return func() {}
	}
	tick := time.NewTicker(r.cfg.ProgressEvery)
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-tick.C:
				r.cfg.Progress(r.report())
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
