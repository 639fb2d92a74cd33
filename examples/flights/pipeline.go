package main

import (
	"context"
	"sync"
	"time"

	"github.com/millrace/millrace/examples/flights/report"
	"github.com/millrace/millrace/io/csvio"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

// A Flight is a row of the table. Delay is how many minutes after the schedule it
// left, and nil if it never did.
type Flight struct {
	Scheduled time.Time
	Origin    string
	Delay     *int
}

func (f Flight) eventTime() model.Timestamp   { return model.TimestampOf(f.Scheduled) }
func (f Flight) delay() model.KV[string, int] { return model.KVOf(f.Origin, *f.Delay) }

// Settings are what the flags set.
type Settings struct {
	Input    string        // a CSV file, compressed or not
	Window   time.Duration // length of the windows
	Bound    time.Duration // how far the watermark stays behind the latest schedule
	Lateness time.Duration // how long a window is kept after its end
}

// Found is what a run finds out.
type Found struct {
	mu        sync.Mutex
	Hours     []report.Hour
	Cancelled int64
	BadRows   []csvio.BadRow
}

// grouping is the name of the transform that windows the delays.
const grouping = "Delays"

// Build adds the example's pipeline to p.
func Build(p *model.Pipeline, s Settings) *Found {
	found := &Found{}
	departed, cancelled, bad := Read(p, s)
	transforms.ForEach(Hourly(departed, s), found.addHour)
	transforms.ForEach(transforms.CombineGlobally(cancelled, transforms.Counting[Flight]), found.addCancelled)
	transforms.ForEach(bad, found.addBadRow)
	return found
}

// Read reads the flights that left, those that never did, and what is no flight.
func Read(p *model.Pipeline, s Settings) (departed, cancelled model.PCollection[Flight], bad model.PCollection[csvio.BadRow]) {
	flights, bad := csvio.ReadWithDeadLetters(p, s.Input, csvio.Options[Flight]{
		EventTime:      Flight.eventTime,
		OutOfOrderness: s.Bound,
	}, model.Name("Flights"))
	parts := transforms.Partition(flights, 2, func(f Flight) int {
		if f.Delay == nil {
			return 0
		}
		return 1
	})
	return parts[1], parts[0], bad
}

// Hourly sums up the delays of each airport by the hour, or what else the window is.
func Hourly(departed model.PCollection[Flight], s Settings) model.PCollection[report.Hour] {
	windowed := transforms.Window(departed, model.WindowingStrategy{
		Windows:  windowing.Fixed{Size: s.Window},
		Lateness: s.Lateness,
		Panes:    model.Accumulating,
	})
	delays := transforms.Map(windowed, Flight.delay)
	return Latest(transforms.CombinePerKey(delays, Stats, model.Name(grouping)))
}

// Latest keeps, of the panes of each airport and window, the last one: a late
// flight gives its window a new pane, which replaces the earlier ones.
func Latest(panes model.PCollection[model.KV[string, Delay]]) model.PCollection[report.Hour] {
	return transforms.Composite("Latest", panes, func(panes model.PCollection[model.KV[string, Delay]]) model.PCollection[report.Hour] {
		numbered := transforms.Do(panes, transforms.DoFunc[model.KV[string, Delay], model.KV[hourKey, pane]](number))
		whole := transforms.Window(numbered, model.WindowingStrategy{Windows: windowing.Global{}})
		return transforms.Map(transforms.Reduce(whole, later), hour)
	})
}

// A hourKey is an airport and a window.
type hourKey struct {
	Origin     string
	Start, End model.Timestamp
}

// A pane is what one said, and its number.
type pane struct {
	Index int64
	Delay Delay
}

func number(_ context.Context, e transforms.Element[model.KV[string, Delay]], out transforms.Output[model.KV[hourKey, pane]]) error {
	out.Emit(model.KVOf(hourKey{e.Value.Key, e.Window.Start, e.Window.End}, pane{e.Pane.Index, e.Value.Value}))
	return nil
}

func later(a, b pane) pane {
	if b.Index > a.Index {
		return b
	}
	return a
}

func hour(kv model.KV[hourKey, pane]) report.Hour {
	d := kv.Value.Delay
	return report.Hour{
		Origin:  kv.Key.Origin,
		Start:   kv.Key.Start.Time(),
		End:     kv.Key.End.Time(),
		Flights: d.Flights,
		Mean:    float64(d.Sum) / float64(d.Flights),
		Worst:   d.Worst,
	}
}

// A Delay sums up the departure delays of some flights, in minutes.
type Delay struct{ Flights, Sum, Worst int }

// Stats is the combiner of delays.
func Stats() transforms.Combiner[int, Delay, Delay] { return stats{} }

type stats struct{}

func (stats) New() Delay { return Delay{} }

func (s stats) Add(a Delay, minutes int) Delay { return s.Merge(a, Delay{1, minutes, minutes}) }

func (stats) Merge(a, b Delay) Delay {
	switch {
	case a.Flights == 0:
		return b
	case b.Flights == 0:
		return a
	}
	return Delay{a.Flights + b.Flights, a.Sum + b.Sum, max(a.Worst, b.Worst)}
}

func (stats) Result(a Delay) Delay { return a }

func (f *Found) addHour(_ context.Context, e transforms.Element[report.Hour]) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Hours = append(f.Hours, e.Value)
	return nil
}

func (f *Found) addCancelled(_ context.Context, e transforms.Element[int64]) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Cancelled += e.Value
	return nil
}

func (f *Found) addBadRow(_ context.Context, e transforms.Element[csvio.BadRow]) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.BadRows = append(f.BadRows, e.Value)
	return nil
}
