// Package dedupe drops repeated orders. It is the smallest example of a DoFn with
// state and a timer, and of its test against scripted time.
package dedupe

import (
	"context"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/state"
	"github.com/millrace/millrace/transforms"
)

// An Order is what a customer asked for.
type Order struct {
	ID     string
	Amount int
}

// Orders passes the first order of each ID, and drops repeats until ttl after it,
// in event time. It remembers an ID for as long.
func Orders(orders model.PCollection[Order], ttl time.Duration) model.PCollection[Order] {
	byID := transforms.KeyBy(orders, func(o Order) string { return o.ID })
	return transforms.DoKeyed(byID, newDedupe(ttl), model.Name("Dedupe"))
}

type dedupe struct {
	ttl    time.Duration
	seen   state.Value[bool]
	forget state.EventTimer
}

func newDedupe(ttl time.Duration) *dedupe {
	return &dedupe{ttl, state.NewValue[bool]("seen"), state.NewEventTimer("forget")}
}

func (d *dedupe) Cells() []state.Cell { return []state.Cell{d.seen, d.forget} }

func (d *dedupe) Process(ctx context.Context, e *transforms.Keyed[string, Order], out transforms.Output[Order]) error {
	if d.seen.Get(e) {
		return nil
	}
	d.seen.Set(e, true)
	// In windows, what is kept may have to go before.
	if at := e.Timestamp.Add(d.ttl); at < state.Expiry(e) {
		d.forget.Set(e, at)
	}
	out.Emit(e.Value)
	return nil
}

func (d *dedupe) OnTimer(ctx context.Context, f *transforms.Firing[string], out transforms.Output[Order]) error {
	d.seen.Clear(f)
	return nil
}
