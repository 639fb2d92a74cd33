package transforms_test

import (
	"context"
	"fmt"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/state"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

// A ranking numbers the purchases of each customer.
type ranking struct{ count state.Value[int] }

func (r ranking) Cells() []state.Cell { return []state.Cell{r.count} }

func (r ranking) Process(_ context.Context, e *transforms.Keyed[string, int], out transforms.Output[string]) error {
	n := r.count.Get(e) + 1
	r.count.Set(e, n)
	out.Emit(fmt.Sprintf("purchase %d of %s", n, e.Key))
	return nil
}

func ExampleDoKeyed() {
	var p model.Pipeline
	purchases := transforms.Create(&p, model.KVOf("ann", 7), model.KVOf("bob", 3), model.KVOf("ann", 9))

	numbered := transforms.DoKeyed(purchases, ranking{state.NewValue[int]("count")})

	transforms.ForEach(numbered, func(_ context.Context, e transforms.Element[string]) error {
		fmt.Println(e.Value)
		return nil
	})
	if err := direct.Run(context.Background(), &p); err != nil {
		fmt.Println(err)
	}
	// Unordered output:
	// purchase 1 of ann
	// purchase 1 of bob
	// purchase 2 of ann
}

// An absence tells of customers who have bought nothing for an hour.
type absence struct {
	last state.Value[model.Timestamp] // when the latest purchase was
	gone state.EventTimer
}

func (a absence) Cells() []state.Cell { return []state.Cell{a.last, a.gone} }

func (a absence) Process(_ context.Context, e *transforms.Keyed[string, int], _ transforms.Output[string]) error {
	// The elements of a key come in no definite order: an earlier one moves nothing back.
	if last, before := a.last.Lookup(e); before && e.Timestamp <= last {
		return nil
	}
	a.last.Set(e, e.Timestamp)
	a.gone.Set(e, e.Timestamp.Add(time.Hour)) // moves it
	return nil
}

func (a absence) OnTimer(_ context.Context, f *transforms.Firing[string], out transforms.Output[string]) error {
	a.last.Clear(f)
	out.Emit(fmt.Sprintf("%s is gone since %s", f.Key, f.At.Time().Format("15:04")))
	return nil
}

func ExampleDoKeyed_timer() {
	type purchase struct {
		at  time.Duration
		who string
	}
	var p model.Pipeline
	purchases := transforms.WithTimestamps(transforms.Create(&p,
		purchase{9 * time.Hour, "ann"},
		purchase{10 * time.Hour, "bob"},
		purchase{9*time.Hour + 40*time.Minute, "ann"},
		purchase{9*time.Hour + 20*time.Minute, "ann"},
	), func(p purchase) time.Time { return time.UnixMicro(p.at.Microseconds()) })
	byCustomer := transforms.Map(purchases, func(p purchase) model.KV[string, int] { return model.KVOf(p.who, 1) })

	gone := transforms.DoKeyed(byCustomer, absence{state.NewValue[model.Timestamp]("last"), state.NewEventTimer("gone")})

	transforms.ForEach(gone, func(_ context.Context, e transforms.Element[string]) error {
		fmt.Println(e.Value)
		return nil
	})
	if err := direct.Run(context.Background(), &p); err != nil {
		fmt.Println(err)
	}
	// Unordered output:
	// ann is gone since 10:40
	// bob is gone since 11:00
}

// A basket puts together what a customer buys in one visit.
type basket struct {
	total state.Combining[int, int, int]
}

func (b basket) Cells() []state.Cell { return []state.Cell{b.total} }

func (b basket) Process(_ context.Context, e *transforms.Keyed[string, int], _ transforms.Output[string]) error {
	b.total.Add(e, e.Value)
	return nil
}

func (b basket) OnWindowExpiration(_ context.Context, f *transforms.Firing[string], out transforms.Output[string]) error {
	out.Emit(fmt.Sprintf("%s spent %d", f.Key, b.total.Get(f)))
	return nil
}

// In sessions, cells are merged as their windows are.
func ExampleDoKeyed_sessions() {
	var p model.Pipeline
	var now time.Time
	purchases := transforms.WithTimestamps(
		transforms.Create(&p, model.KVOf("ann", 7), model.KVOf("ann", 2), model.KVOf("bob", 3)),
		func(model.KV[string, int]) time.Time { return now })
	visits := transforms.Window(purchases, model.WindowingStrategy{Windows: windowing.Sessions{Gap: time.Hour}})

	baskets := transforms.DoKeyed(visits, basket{state.NewCombining("total", transforms.Sum[int]())})

	transforms.ForEach(baskets, func(_ context.Context, e transforms.Element[string]) error {
		fmt.Println(e.Value)
		return nil
	})
	if err := direct.Run(context.Background(), &p); err != nil {
		fmt.Println(err)
	}
	// Unordered output:
	// ann spent 9
	// bob spent 3
}

// The methods of a DoFn can be called by a unit test.
func ExampleOutputTo() {
	r := ranking{state.NewValue[int]("count")}
	ann := state.NewLocal(r.Cells()...) // what is kept of one key and window
	out := transforms.OutputTo(func(e transforms.Element[string]) { fmt.Println(e.Value) })

	for range 2 {
		e := &transforms.Keyed[string, int]{Scope: ann, Key: "ann", Value: 7}
		if err := r.Process(context.Background(), e, out); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(ann.Err())
	// Output:
	// purchase 1 of ann
	// purchase 2 of ann
	// <nil>
}
