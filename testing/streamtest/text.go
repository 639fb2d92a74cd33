package streamtest

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/millrace/millrace/model"
)

// clock is t as failures tell it: the time of day on the first day of the epoch,
// where most scripts play.
func clock(t model.Timestamp) string {
	if onFirstDay(t) {
		return t.Time().Format("15:04:05.999999")
	}
	return t.String()
}

func onFirstDay(t model.Timestamp) bool {
	const day = 24 * 3600 * 1_000_000
	return 0 <= t && t < day
}

func span(w model.Window) string {
	if onFirstDay(w.Start) && onFirstDay(w.End) {
		return "[" + clock(w.Start) + ", " + clock(w.End) + ")"
	}
	return w.String()
}

// text is a value on one line, as far as it prints so.
func text(v any) string {
	r := reflect.ValueOf(v)
	if _, prints := v.(fmt.Stringer); !prints && r.Kind() == reflect.Pointer && !r.IsNil() {
		return "&" + text(r.Elem().Interface())
	}
	if r.Kind() == reflect.String {
		return strconv.Quote(r.String())
	}
	return fmt.Sprintf("%+v", v)
}

// listed are values on one line, or the first of them.
func listed[T any](values []T) string {
	const most = 8
	var texts []string
	for _, v := range values[:min(most, len(values))] {
		texts = append(texts, text(v))
	}
	s := strings.Join(texts, ", ")
	if more := len(values) - most; more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	return s
}
