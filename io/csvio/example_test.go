package csvio_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/millrace/millrace/io/csvio"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
)

// folder makes a folder with one file, for the examples.
func folder(name, content string) string {
	dir, err := os.MkdirTemp("", "csvio")
	if err != nil {
		panic(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666); err != nil {
		panic(err)
	}
	return dir
}

// A Flight is a row: its fields are found by the header's names.
type Flight struct {
	Carrier string
	Delay   *int      `csv:"delay_minutes"` // nil where the cell is empty
	Landed  time.Time `csv:"landed,layout=2006-01-02 15:04"`
}

const flights = `landed,carrier,delay_minutes
2024-03-01 08:15,AA,12
2024-03-01 08:20,"B, Air",
`

func ExampleRead() {
	dir := folder("flights.csv", flights)
	defer os.RemoveAll(dir)

	var p model.Pipeline
	rows := csvio.Read(&p, dir+"/*.csv", csvio.Options[Flight]{})
	all, err := direct.Collect(context.Background(), rows)
	if err != nil {
		fmt.Println(err)
	}
	for _, f := range all {
		fmt.Println(f.Landed.Format(time.Kitchen), f.Carrier, f.Delay != nil)
	}
	// Output:
	// 8:15AM AA true
	// 8:20AM B, Air false
}

func ExampleReadWithDeadLetters() {
	dir := folder("flights.csv", flights+"2024-03-01 08:17,AA,x\n")
	defer os.RemoveAll(dir)

	var p model.Pipeline
	rows, bad := csvio.ReadWithDeadLetters(&p, dir+"/*.csv", csvio.Options[Flight]{
		EventTime:      func(f Flight) model.Timestamp { return model.TimestampOf(f.Landed) },
		OutOfOrderness: 10 * time.Minute,
	})
	transforms.ForEach(rows, func(_ context.Context, e transforms.Element[Flight]) error {
		f := e.Value
		if f.Delay == nil {
			fmt.Println(e.Timestamp, f.Carrier)
			return nil
		}
		fmt.Println(e.Timestamp, f.Carrier, "late by", *f.Delay)
		return nil
	})
	transforms.ForEach(bad, func(_ context.Context, e transforms.Element[csvio.BadRow]) error {
		b := e.Value
		fmt.Printf("%s:%d:%d: %s: %s\n", filepath.Base(b.File), b.Line, b.Column, b.Field, b.Reason)
		return nil
	})
	if err := direct.Run(context.Background(), &p); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 2024-03-01T08:15:00Z AA late by 12
	// 2024-03-01T08:20:00Z B, Air
	// flights.csv:4:21: delay_minutes: "x" is not a whole number
}

func ExampleWrite() {
	dir := folder("flights.csv", flights)
	defer os.RemoveAll(dir)

	type delay struct {
		Carrier string
		Minutes int `csv:"minutes"`
	}
	var p model.Pipeline
	csvio.Write(transforms.Create(&p, delay{"B, Air", 5}), dir+"/delays.csv", csvio.WriteOptions{Shards: 1})
	if err := direct.Run(context.Background(), &p); err != nil {
		fmt.Println(err)
	}
	written, err := os.ReadFile(dir + "/delays.csv")
	fmt.Print(string(written), err)
	// Output:
	// Carrier,minutes
	// "B, Air",5
	// <nil>
}

// What a row type lacks is reported where the pipeline is built.
func ExampleRead_mistakes() {
	type row struct{ Tags []string }
	var p model.Pipeline
	csvio.Read(&p, "rows.csv", csvio.Options[row]{})
	fmt.Println(p.Err())
	// Output:
	// example_test.go:115: Read: csvio: row.Tags: []string has no text form here; a field is a string, bool, number, time.Time, time.Duration, has UnmarshalText and MarshalText, or is a pointer to one of those
}
