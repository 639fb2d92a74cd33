package windowing_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
)

// Months cuts time into calendar months of a time zone. They are not all equally
// long, which is why [windowing.Fixed] will not do. NewMonths makes one.
type Months struct{ zone *time.Location }

// NewMonths is Months in the time zone of that name. It is loaded here, once, and not
// for each element.
func NewMonths(zone string) (Months, error) {
	loaded, err := time.LoadLocation(zone)
	return Months{loaded}, err
}

func (m Months) AssignWindows(dst []model.Window, t model.Timestamp) []model.Window {
	year, month, _ := t.Time().In(m.zone).Date()
	return append(dst, model.Window{
		Start: model.TimestampOf(time.Date(year, month, 1, 0, 0, 0, 0, m.zone)),
		End:   model.TimestampOf(time.Date(year, month+1, 1, 0, 0, 0, 0, m.zone)),
	})
}

func (m Months) Validate() error {
	if m.zone == nil {
		return errors.New("the months have no time zone; make them with NewMonths")
	}
	return nil
}

func (m Months) String() string { return fmt.Sprintf("months(%v)", m.zone) }

// A WindowFn of one's own that does not merge: calendar months.
func Example_ownMonths() {
	type Sale struct {
		At    time.Time
		Cents int
	}
	at := func(month time.Month, day int) time.Time { return time.Date(2026, month, day, 12, 0, 0, 0, time.UTC) }

	var p model.Pipeline
	sales := transforms.WithTimestamps(transforms.Create(&p,
		Sale{at(time.January, 31), 500},
		Sale{at(time.February, 1), 120},
		Sale{at(time.February, 28), 80},
		Sale{at(time.March, 1), 900},
	), func(s Sale) time.Time { return s.At })

	months, err := NewMonths("UTC")
	if err != nil {
		fmt.Println(err)
		return
	}
	monthly := transforms.Window(sales, model.WindowingStrategy{Windows: months})
	turnover := transforms.CombineGlobally(
		transforms.Map(monthly, func(s Sale) int { return s.Cents }), transforms.Sum)

	transforms.ForEach(turnover, func(_ context.Context, e transforms.Element[int]) error {
		fmt.Println(e.Window.Start.Time().Format("January"), e.Value)
		return nil
	})
	if err := direct.Run(context.Background(), &p); err != nil {
		fmt.Println(err)
	}
	// Unordered output:
	// January 500
	// February 200
	// March 900
}
