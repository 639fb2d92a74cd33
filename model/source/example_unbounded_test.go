package source_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/testing/sourcetest"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

// A Departure is an element of a topic.
type Departure struct {
	From string
	At   time.Time
}

// A Topic is an unbounded source of one's own: partitions to which somebody appends,
// as in a queue. A split is a partition; its position is the offset of what comes
// next.
type Topic [][]Departure

func (Topic) Bounded() bool { return false }

func (t Topic) Splits(context.Context, int) ([]source.Split, error) {
	var splits []source.Split
	for partition := range t { // whatever the hint is: a partition has an order of its own
		splits = append(splits, (&partitionReader{partition: partition}).Position())
	}
	return splits, nil
}

func (t Topic) Open(_ context.Context, s source.Split) (source.Reader[Departure], error) {
	r := &partitionReader{topic: t}
	if _, err := fmt.Sscan(string(s.Position), &r.partition, &r.offset); err != nil || r.partition >= len(t) {
		return nil, fmt.Errorf("position %q is none of a topic of %d partitions", s.Position, len(t))
	}
	return r, nil
}

type partitionReader struct {
	topic             Topic
	partition, offset int
}

func (r *partitionReader) Read(ctx context.Context, max int, emit func(*Departure, model.Timestamp)) (source.Status, error) {
	log := r.topic[r.partition]
	if r.offset == len(log) {
		return source.Status{ResumeAfter: 100 * time.Millisecond}, ctx.Err() // not: wait
	}
	for ; max > 0 && r.offset < len(log); max-- {
		d := log[r.offset]
		r.offset++
		emit(&d, model.TimestampOf(d.At))
	}
	return source.Status{}, ctx.Err()
}

func (r *partitionReader) Position() source.Split {
	return source.Split{ID: fmt.Sprint("partition ", r.partition), Position: fmt.Append(nil, r.partition, r.offset)}
}

func (r *partitionReader) Watermark() model.Timestamp { return model.MinTimestamp } // it promises nothing itself
func (r *partitionReader) Close() error               { return nil }

func (r *partitionReader) Progress() source.Progress {
	return source.Progress{Done: int64(r.offset)} // and nobody knows of how much
}

// The partitions are out of order by up to a minute, and one of them may be silent.
func departures(t Topic) source.Source[Departure] {
	return source.WithWatermarks(t, source.BoundedOutOfOrderness(time.Minute).IdleAfter(200*time.Millisecond))
}

func at(hour, minute int) time.Time { return time.Date(2013, 1, 1, hour, minute, 0, 0, time.UTC) }

var topic = Topic{
	{{"JFK", at(9, 2)}, {"EWR", at(9, 1)}, {"JFK", at(9, 50)}, {"LGA", at(10, 5)}},
	{}, // silent
}

func Example_unbounded() {
	var p model.Pipeline
	hourly := transforms.Window(transforms.Read(&p, departures(topic)), model.WindowingStrategy{Windows: windowing.Fixed{Size: time.Hour}})
	stop := make(chan struct{})
	transforms.ForEach(transforms.CombineGlobally(hourly, transforms.Counting), func(_ context.Context, e transforms.Element[int64]) error {
		fmt.Println(e.Value, "departures from", e.Window.Start.Time().Format("15:04"), "on")
		close(stop)
		return nil
	})

	_, err := direct.Runner{Stop: stop}.Run(context.Background(), &p)
	fmt.Println(err)
	// Output:
	// 3 departures from 09:00 on
	// millrace: stopped before the input ended
}

func TestTheTopicOfTheExample(t *testing.T) {
	sourcetest.Check(t, departures(topic), topic[0])
}
