package transforms_test

import (
	"context"
	"fmt"
	"log"
	"sync"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/sink"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
)

// A Ledger is a sink of one's own. What is written waits in the writer until it
// is prepared, and with the ledger until it is committed; only then it counts.
type Ledger struct {
	mu       sync.Mutex
	prepared map[string]int
	Total    int
}

func (l *Ledger) Open(_ context.Context, s sink.Shard) (sink.Writer[int], error) {
	return &ledgerWriter{ledger: l, id: fmt.Sprint(s.Index)}, nil
}

// Commit does nothing for what was committed before: it may be asked twice.
func (l *Ledger) Commit(_ context.Context, prepared []sink.Committable) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range prepared {
		l.Total += l.prepared[string(p.Data)]
		delete(l.prepared, string(p.Data))
	}
	return nil
}

func (l *Ledger) Abort(_ context.Context, prepared []sink.Committable) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range prepared {
		delete(l.prepared, string(p.Data))
	}
	return nil
}

type ledgerWriter struct {
	ledger *Ledger
	id     string
	sum    int
}

func (w *ledgerWriter) Write(_ context.Context, v *int, _ *model.Meta) error {
	w.sum += *v
	return nil
}

func (w *ledgerWriter) Prepare(context.Context) ([]byte, error) {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	w.ledger.prepared[w.id] = w.sum
	w.sum = 0
	return []byte(w.id), nil
}

func (w *ledgerWriter) Close() error { return nil }

func ExampleWrite() {
	ledger := &Ledger{prepared: map[string]int{}}

	var p model.Pipeline
	payments := transforms.Create(&p, 120, 80, 500)
	transforms.Write(payments, ledger)

	if err := direct.Run(context.Background(), &p); err != nil {
		log.Fatal(err)
	}
	fmt.Println("total", ledger.Total)
	// Output: total 700
}
