// Package dedupe drops repeated orders. It is the smallest example of a DoFn with
// state that is let go in time, and of its test against scripted time.
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
// in event time. It remembers an ID for as long: until ttl after its order or, if that
// was late, after the watermark that it came behind. A repeat that comes later still
// passes, so ttl must cover how late repeats may be.
func Orders(orders model.PCollection[Order], ttl time.Duration) model.PCollection[Order] {
	byID := transforms.KeyBy(orders, func(o Order) string { return o.ID })
	return transforms.DoKeyed(byID, newDedupe(ttl), model.Name("Dedupe"))
}

type dedupe struct{ seen state.Value[bool] }

func newDedupe(ttl time.Duration) *dedupe {
	// No timer at the order's timestamp plus ttl: behind the watermark, as it is for an
	// order that is late enough, it would fire at once, and the repeats would pass.
	return &dedupe{state.NewValue[bool]("seen", state.ExpireAfterEventTime(ttl))}
}

func (d *dedupe) Cells() []state.Cell { return []state.Cell{d.seen} }

func (d *dedupe) Process(ctx context.Context, e *transforms.Keyed[string, Order], out transforms.Output[Order]) error {
	if d.seen.Get(e) {
		return nil
	}
	d.seen.Set(e, true)
	out.Emit(e.Value)
	return nil
}
