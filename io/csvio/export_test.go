package csvio

import (
	"reflect"
	"strconv"
	"time"

	"github.com/millrace/millrace/model/source"
)

// ShortFloat is what numbers are tried with first.
var ShortFloat = shortFloat

// An Outcome is a row or the report of a bad one.
type Outcome[T any] = outcome[T]

// OutcomeSource is what ReadWithDeadLetters reads.
func OutcomeSource[T any](pattern string, opts Options[T]) source.Source[Outcome[T]] {
	return outcomeSource(pattern, opts)
}

// LayoutMistake is what is wrong with a field of this layout, "" if nothing is.
func LayoutMistake(layout string) string {
	var f field
	tag := "at"
	if layout != "" {
		tag += ",layout=" + layout
	}
	got, err := f.parseTag(reflect.StructTag("csv:" + strconv.Quote(tag)).Get("csv"))
	if err == nil {
		_, err = codecFor(reflect.TypeFor[time.Time](), got)
	}
	if err == nil {
		return ""
	}
	return err.Error()
}
