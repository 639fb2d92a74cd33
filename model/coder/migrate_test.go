package coder_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/millrace/millrace/model/coder"
)

func ExampleCoder_From() {
	type stored struct { // as last year's program had it
		Name  string
		Count int32
		Note  string
	}
	type order struct {
		Count int64
		Name  string
		Paid  bool
	}
	old, _ := coder.For[stored]()
	b, _ := old.Append(nil, &stored{"tea", 3, "no milk"})
	text, _ := old.Schema().MarshalText() // kept beside the data

	var schema coder.Schema
	_ = schema.UnmarshalText(text)
	current, _ := coder.For[order]()
	m, err := current.From(&schema)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range m.Changes() {
		fmt.Println(c)
	}
	var o order
	_, err = m.Decode(b, &o)
	fmt.Printf("%+v %v\n", o, err)
	// Output:
	// Count: widened, from int32 to int64
	// Name: field moved
	// Paid: field added (bool)
	// Note: field removed (string)
	// {Count:3 Name:tea Paid:false} <nil>
}

type empty struct{}

func TestWhatIsNotMigratedIsRefused(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{refusal[struct{ A, B int }, struct{ A, B string }](false),
			"A: incompatible, from int64 to string\nB: incompatible, from int64 to string"},
		{refusal[struct{ A []struct{ B int64 } }, struct{ A []struct{ B int32 } }](false), "A[].B: narrowed, from int64 to int32"},
		{refusal[[]struct{ A, B int }, []struct{ C, D int }](false), "[]: incompatible, from struct{…} to struct{…}"},
		{refusal[int64, uint64](false), "the type itself: narrowed, from int64 to uint64"},
		{refusal[struct{ A *int }, struct{ A int }](false), "A: incompatible, from *int64 to int64"},
		{refusal[[]byte, []uint16](false), "the type itself: incompatible, from bytes to []uint16"},
		{refusal[map[[2]int8]int, map[[3]int8]int](false), "[key]: incompatible, from [2]int8 to [3]int8"},
		{refusal[map[struct{ A, B int }]int, map[struct{ A int }]int](false),
			"[key].B: field removed (int64); two keys of the map might become one"},
		{refusal[struct {
			A struct{ A, B int }
			M map[struct{ A, B int }]int
		}, struct {
			A struct{ A int }
			M map[struct{ A int }]int
		}](false), "M[key].B: field removed (int64); two keys of the map might become one"},
		{refusal[[]empty, []struct{ A int }](false),
			"[]: incompatible, from coder_test.empty, which was stored as nothing to struct{…}"},
		{refusal[struct{ A int32 }, struct{ A int64 }](true),
			"A: widened, from int32 to int64; the type of a key must stay as it is"},
		{refusal[int32, int64](false), "taken"},
		{refusal[map[int8]string, map[int]string](false), "taken"},
		{refusal[struct{ A int }, struct{ A int }](true), "taken"},
	} {
		if c.got != c.want {
			t.Errorf("got\n%s\nwant\n%s", c.got, c.want)
		}
	}
}

// refusal is what keeps a stored A from being read as a B, as values or as keys.
func refusal[A, B any](keys bool) string {
	stored, current := coder.For[A], coder.For[B]
	if keys {
		stored, current = coder.ForKey[A], coder.ForKey[B]
	}
	if _, err := must(current()).From(must(stored()).Schema()); err != nil {
		return err.Error()
	}
	return "taken"
}

// What a schema in between lacked does not come back with a later one.
func TestWhatWasDroppedStaysDropped(t *testing.T) {
	type first struct{ A, B int }
	type second struct{ B int }
	b := must(must(coder.For[first]()).Append(nil, &first{1, 2}))
	c := must(coder.For[first]())
	m := must(c.From(c.Schema(), must(coder.For[second]()).Schema()))
	var got first
	must(m.Decode(b, &got))
	if got != (first{0, 2}) {
		t.Errorf("%+v", got)
	}
	var refused *coder.MigrationError
	if _, err := must(coder.For[second]()).From(must(coder.For[string]()).Schema()); !errors.As(err, &refused) {
		t.Errorf("%v", err)
	}
}
