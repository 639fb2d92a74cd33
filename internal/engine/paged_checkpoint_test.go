package engine_test

import (
	"iter"
	"slices"
	"testing"

	"github.com/millrace/millrace/internal/engine/cells"
)

// TestAPagedRunEndsAsIfUndisturbed is TestARestoredRunEndsAsIfUndisturbed for tasks
// that have room for a few keys or none, so that they page all the time.
func TestAPagedRunEndsAsIfUndisturbed(t *testing.T) {
	var sum cells.Paging
	liveThrough(t, func(l *life) {
		l.room = int64(1 + l.rng.IntN(4)*1500)
		l.count = func(p *cells.Paging) {
			sum.Evicted += p.Evicted
			sum.Loaded += p.Loaded
		}
	})
	t.Logf("%d evicted, %d loaded", sum.Evicted, sum.Loaded)
	if sum.Evicted < 1000 || sum.Loaded < 1000 {
		t.Errorf("only %d were evicted, and %d loaded", sum.Evicted, sum.Loaded)
	}
}

// page has d page, if the life is one with little room.
func (l *life) page(d *cells.Durable) {
	if l.room > 0 {
		l.pages = append(l.pages, &cells.Paging{Backing: backing{l}, Bytes: l.room})
		d.Page(l.pages[len(l.pages)-1])
	}
}

// backing is a life's state as the process sees it.
type backing struct{ *life }

func (b backing) Get(key, dst []byte) ([]byte, bool, error) {
	v, ok := b.saved[string(key)]
	return append(dst, v...), ok, nil
}

func (b backing) Scan(start, end []byte) (iter.Seq2[[]byte, []byte], func() error) {
	return func(yield func(k, v []byte) bool) {
		for k, v := range b.scan(start, end) {
			k = slices.Clone(k)
			if !yield(k, v) {
				return
			}
			clear(k) // the caller must not keep it
		}
	}, func() error { return nil }
}

func (b backing) Write(c *cells.Changes) error {
	b.apply(*c)
	return nil
}
