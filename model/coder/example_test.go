package coder_test

import (
	"fmt"
	"time"

	"github.com/millrace/millrace/model/coder"
)

type Reading struct {
	Sensor string
	Values []float32
	At     time.Time
	seen   int // unexported fields are stored too
}

func ExampleFor() {
	readings, err := coder.For[Reading]()
	if err != nil {
		fmt.Println(err)
		return
	}
	encoded, err := readings.Append(nil, &Reading{
		Sensor: "wheel",
		Values: []float32{0.5, 1.5},
		At:     time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC),
		seen:   3,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	var decoded Reading
	if _, err := readings.Decode(encoded, &decoded); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(encoded), "bytes")
	fmt.Printf("%+v\n", decoded)
	// Output:
	// 23 bytes
	// {Sensor:wheel Values:[0.5 1.5] At:2024-02-29 12:00:00 +0000 UTC seen:3}
}

func ExampleFor_refused() {
	type Event struct {
		Name    string
		Payload any
		Done    chan struct{}
	}
	_, err := coder.For[[]Event]()
	fmt.Println(err)
	// Output:
	// coder: []coder_test.Event: field [].Payload is an interface (any); give it a concrete type
	// coder: []coder_test.Event: field [].Done is a channel (chan struct{}); keep channels out of what is stored
}

func ExampleForKey() {
	type Place struct {
		Country string
		Zip     int32
	}
	places, err := coder.ForKey[Place]()
	if err != nil {
		fmt.Println(err)
		return
	}
	place := Place{"CH", 8001}
	fmt.Println(places.Hash(&place) % 128)

	_, err = coder.ForKey[time.Time]()
	fmt.Println(err)
	// Output:
	// 101
	// coder: key time.Time is a time (time.Time), of which == compares the location and the monotonic clock too; use model.Timestamp, or the int64 of its UnixNano()
}

func ExampleCompare() {
	type before struct {
		ID    string
		Count int32
		Old   bool
	}
	type after struct {
		ID    string
		Count int64
		New   []string
	}
	stored, err := coder.For[before]()
	if err != nil {
		fmt.Println(err)
		return
	}
	current, err := coder.For[after]()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range coder.Compare(stored.Schema(), current.Schema()) {
		fmt.Println(d)
	}
	// Output:
	// Count: widened, from int32 to int64
	// New: field added ([]string)
	// Old: field removed (bool)
}

func ExampleSchema_MarshalText() {
	readings, err := coder.For[[]Reading]()
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := readings.Schema().MarshalText()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(text))
	// Output:
	// millrace schema 1
	// root []coder_test.Reading
	//
	// coder_test.Reading struct
	//   Sensor string
	//   Values []float32
	//   At time
	//   seen int64
}
