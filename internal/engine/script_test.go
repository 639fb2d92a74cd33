package engine_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
)

// A number is an element of the tests: a value, unique in its case, under a key.
type number = model.KV[int, int]

// An event is one line of a split's script: an element, or a promise about
// those that follow.
type event struct {
	mark  bool
	at    model.Timestamp // of the element, or the watermark
	key   int
	value int
}

func (e event) String() string {
	if e.mark {
		return fmt.Sprintf("watermark %d", e.at)
	}
	return fmt.Sprintf("add %d:%d at %d", e.key, e.value, e.at)
}

// A script is a source whose splits do what is written. A Read ends behind the
// first watermark that it comes to, so that no element is read together with a
// watermark that it is late for.
type script struct {
	splits [][]event
	// open says that splits, once read, wait for more.
	open bool
	// fastest, if set, is where the watermark of all splits is: a planted bug.
	fastest *model.Timestamp
}

func (*script) Bounded() bool { return true }

func (s *script) Splits(context.Context, int) ([]source.Split, error) {
	out := make([]source.Split, len(s.splits))
	for i := range out {
		out[i] = source.Split{ID: strconv.Itoa(i)}
	}
	return out, nil
}

func (s *script) Open(_ context.Context, split source.Split) (source.Reader[number], error) {
	i, err := strconv.Atoi(split.ID)
	if err != nil {
		return nil, err
	}
	r := &player{script: s, events: s.splits[i], id: split.ID, watermark: model.MinTimestamp}
	if len(split.Position) > 0 { // resumed
		left := 0
		if _, err := fmt.Sscan(string(split.Position), &left, &r.watermark); err != nil {
			return nil, err
		}
		r.events = r.events[len(r.events)-left:]
	}
	return r, nil
}

type player struct {
	script    *script
	events    []event
	id        string
	watermark model.Timestamp
}

func (r *player) Read(_ context.Context, limit int, emit func(*number, model.Timestamp)) (source.Status, error) {
	for range limit {
		if len(r.events) == 0 {
			break
		}
		e := r.events[0]
		r.events = r.events[1:]
		if e.mark {
			r.watermark = max(r.watermark, e.at)
			break
		}
		emit(&number{Key: e.key, Value: e.value}, e.at)
	}
	status := source.Status{Done: len(r.events) == 0 && !r.script.open}
	if len(r.events) == 0 && r.script.open {
		status.ResumeAfter = 1
	}
	return status, nil
}

func (r *player) Watermark() model.Timestamp {
	if fastest := r.script.fastest; fastest != nil {
		*fastest = max(*fastest, r.watermark)
		return *fastest
	}
	return r.watermark
}

func (r *player) Position() source.Split {
	return source.Split{ID: r.id, Position: fmt.Append(nil, len(r.events), int64(r.watermark))}
}

func (r *player) Progress() source.Progress { return source.Progress{} }
func (r *player) Close() error              { return nil }

func printScript(splits [][]event) string {
	var b strings.Builder
	for i, events := range splits {
		fmt.Fprintf(&b, "  split %d:\n", i)
		for _, e := range events {
			fmt.Fprintf(&b, "    %v\n", e)
		}
	}
	return b.String()
}
