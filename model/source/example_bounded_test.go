package source_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/testing/sourcetest"
	"github.com/millrace/millrace/transforms"
)

// A Table is a bounded source of one's own: rows that are found by their number, as
// in a database. A split is a range of numbers; its position is what is left of it.
type Table []string

func (Table) Bounded() bool { return true }

func (t Table) Splits(_ context.Context, hint int) ([]source.Split, error) {
	n := min(max(hint, 1), len(t))
	splits := make([]source.Split, n)
	for i := range splits {
		r := rows{first: len(t) * i / n, end: len(t) * (i + 1) / n}
		r.next = r.first
		splits[i] = r.split(r.name())
	}
	return splits, nil
}

func (t Table) Open(_ context.Context, s source.Split) (source.Reader[string], error) {
	r := &tableReader{table: t, id: s.ID}
	if _, err := fmt.Sscan(string(s.Position), &r.first, &r.next, &r.end); err != nil || r.end > len(t) {
		return nil, fmt.Errorf("position %q is none of a table of %d rows", s.Position, len(t))
	}
	return r, nil
}

// rows are those from next on and before end, of a split that began with first.
type rows struct{ first, next, end int }

func (r rows) name() string { return fmt.Sprint("from row ", r.first) }

func (r rows) split(id string) source.Split {
	return source.Split{ID: id, Position: fmt.Append(nil, r.first, r.next, r.end), Size: int64(r.end - r.next)}
}

type tableReader struct {
	table Table
	id    string
	rows
}

func (r *tableReader) Read(ctx context.Context, max int, emit func(*string, model.Timestamp)) (source.Status, error) {
	for ; max > 0 && r.next < r.end; max-- {
		row := r.table[r.next]
		r.next++
		emit(&row, model.MinTimestamp) // it has no event time
	}
	return source.Status{Done: r.next == r.end}, ctx.Err()
}

func (r *tableReader) Position() source.Split     { return r.split(r.id) }
func (r *tableReader) Watermark() model.Timestamp { return model.MinTimestamp }
func (r *tableReader) Close() error               { return nil }

func (r *tableReader) Progress() source.Progress {
	return source.Progress{Done: int64(r.next - r.first), Total: int64(r.end - r.first)}
}

// TrySplit lets a reader that has nothing to do take over the end of the range.
func (r *tableReader) TrySplit(fraction float64) (source.Split, bool, error) {
	at := max(r.next+int(fraction*float64(r.end-r.next)), r.first+1)
	if at >= r.end {
		return source.Split{}, false, nil
	}
	residual := rows{at, at, r.end}
	r.end = at
	return residual.split(residual.name()), true, nil
}

func Example_bounded() {
	var p model.Pipeline
	rows := transforms.Read(&p, Table{"Baltimore", "Boston", "Buffalo"})

	all, err := direct.Collect(context.Background(), rows)
	fmt.Println(len(all), "rows", err)
	// Output: 3 rows <nil>
}

func TestTheTableOfTheExample(t *testing.T) {
	rows := []string{"Albany", "Baltimore", "Boston", "Boston", "Buffalo", "Chicago", "Cleveland", "Dallas", "Denver"}
	sourcetest.Check(t, Table(rows), rows)
	sourcetest.Check(t, Table{}, nil)
}
