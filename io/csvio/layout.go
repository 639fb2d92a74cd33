package csvio

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// An element is a part of a layout that stands for a part of a time, as [time.Layout]
// describes them, or a literal if it has no kind.
type element struct{ text, kind string }

// elements are all there are but for fractions of seconds, so that none comes after
// one that it begins with.
var elements = []element{
	{"January", "month"}, {"Jan", "month"}, {"Monday", "weekday"}, {"Mon", "weekday"}, {"MST", "zone name"},
	{"2006", "year"}, {"002", "day of the year"}, {"__2", "day of the year"},
	{"01", "month"}, {"02", "day"}, {"03", "hour of 12"}, {"04", "minute"}, {"05", "second"}, {"06", "year"},
	{"15", "hour"}, {"_2", "day"}, {"PM", "half of the day"}, {"pm", "half of the day"},
	{"-07:00:00", "zone"}, {"-070000", "zone"}, {"-07:00", "zone"}, {"-0700", "zone"}, {"-07", "zone"},
	{"Z07:00:00", "zone"}, {"Z070000", "zone"}, {"Z07:00", "zone"}, {"Z0700", "zone"}, {"Z07", "zone"},
	{"1", "month"}, {"2", "day"}, {"3", "hour of 12"}, {"4", "minute"}, {"5", "second"},
}

// elementsOf takes a layout apart as package time does. Literals come in one piece.
func elementsOf(layout string) (all []element) {
	literal := 0 // where the one that is not in all yet starts
	for at := 0; at < len(layout); {
		e, ok := elementAt(layout[at:])
		if !ok {
			at++
			continue
		}
		if literal < at {
			all = append(all, element{text: layout[literal:at]})
		}
		all = append(all, e)
		at += len(e.text)
		literal = at
	}
	if literal < len(layout) {
		all = append(all, element{text: layout[literal:]})
	}
	return all
}

// elementAt is the element that layout begins with, if it does.
func elementAt(layout string) (element, bool) {
	if n := fraction(layout); n > 0 {
		return element{layout[:n], "fraction"}, true
	}
	if strings.HasPrefix(layout, "_2006") {
		return element{}, false // a literal and a year
	}
	for _, e := range elements {
		rest, ok := strings.CutPrefix(layout, e.text)
		if !ok || (e.text == "Jan" || e.text == "Mon") && rest != "" && rest[0] >= 'a' && rest[0] <= 'z' {
			continue
		}
		return e, true
	}
	return element{}, false
}

// fraction is the length of the fraction of a second that layout begins with.
func fraction(layout string) int {
	if len(layout) < 2 || layout[0] != '.' && layout[0] != ',' || layout[1] != '0' && layout[1] != '9' {
		return 0
	}
	n := 1
	for n < len(layout) && layout[n] == layout[1] {
		n++
	}
	if n < len(layout) && layout[n] >= '0' && layout[n] <= '9' {
		return 0
	}
	return n
}

// zoneResolution is how exactly the offset of a zone is written, 0 if it is not.
func zoneResolution(all []element) time.Duration {
	resolution := time.Duration(0)
	for _, e := range all {
		if e.kind != "zone" {
			continue
		}
		switch len(strings.ReplaceAll(e.text[1:], ":", "")) {
		case 2:
			resolution = time.Hour
		case 4:
			resolution = time.Minute
		default:
			resolution = time.Second
		}
	}
	return resolution
}

const layoutAdvice = `a layout is the time 2006-01-02 15:04:05 -0700 as the file would have it (see time.Layout), or one of "unix", "unixms" and "unixus"; without one times are RFC 3339`

// checkLayout reports what makes a layout write what cannot be read as the same
// time, or the time that a cell is depend on the machine.
func checkLayout(layout string, all []element) error {
	if named, ok := layoutNames[strings.ToLower(strings.TrimPrefix(layout, "time."))]; ok {
		return fmt.Errorf("the layout %q in its tag is a name; %s", layout, named)
	}
	if looksForeign(all) {
		if ours := translated(layout); ours != "" {
			return fmt.Errorf("the layout %q in its tag is not Go's; write layout=%s: %s", layout, ours, layoutAdvice)
		}
		return fmt.Errorf("the layout %q in its tag is not Go's; %s", layout, layoutAdvice)
	}
	kinds := map[string]string{}
	for _, e := range all {
		kind, _, twelve := strings.Cut(e.kind, " of 12")
		if other, twice := kinds[kind]; twice && kind != "" && kind != "weekday" {
			return fmt.Errorf("the layout %q in its tag has the %s twice, as %q and %q; %s", layout, kind, other, e.text, layoutAdvice)
		}
		kinds[kind] = e.text
		if twelve {
			kinds["twelve"] = e.text
		}
	}
	delete(kinds, "")
	twelve, isTwelve := kinds["twelve"]
	_, half := kinds["half of the day"]
	_, named := kinds["zone name"]
	_, offset := kinds["zone"]
	switch {
	case len(kinds) == 0:
		return fmt.Errorf("the layout %q in its tag has nothing of a time in it; %s", layout, layoutAdvice)
	case isTwelve && !half:
		return fmt.Errorf("the layout %q in its tag has the hour of a clock of 12 hours, %q, and not which half of the day it is; write 15 for the hour of 24, or add PM", layout, twelve)
	case named && !offset:
		return fmt.Errorf("the layout %q in its tag has the abbreviation of a zone, MST, which says only on some machines which zone it is; write the offset, -0700, or if all times are UTC, the letters that the file has for it, such as UTC or GMT", layout)
	}
	return readsWhatItWrites(layout)
}

// readsWhatItWrites tries the layout.
func readsWhatItWrites(layout string) error {
	for _, t := range []time.Time{
		time.Date(2024, 12, 31, 23, 59, 58, 987654321, time.UTC),
		time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC),
		time.Date(2011, 1, 11, 11, 11, 11, 111_000_000, time.UTC),
		time.Date(2012, 11, 1, 0, 0, 0, 0, time.UTC),
	} {
		text := t.Format(layout)
		read, err := time.ParseInLocation(layout, text, time.UTC)
		if err == nil && read.Format(layout) != text {
			err = errors.New("it is read as " + read.Format(time.RFC3339Nano))
		}
		if err != nil {
			return fmt.Errorf("the layout %q in its tag writes %s as %q, which cannot be read again: %w; %s", layout, t.Format(time.RFC3339Nano), text, err, layoutAdvice)
		}
	}
	return nil
}

// layoutNames are what is taken for a layout by name, in lower case, and what to do.
var layoutNames = func() map[string]string {
	const none, count = "leave the layout out, times are RFC 3339 without one", `counts since the epoch are "unix", "unixms" and "unixus", in lower case, for seconds, milliseconds and microseconds; for another, make the field an int64`
	names := map[string]string{
		"rfc3339": none, "rfc3339nano": none, "rfc 3339": none, "iso8601": none, "iso 8601": none, "iso": none,
		"rfc1123": "write layout=Mon, 02 Jan 2006 15:04:05 GMT", "http": "write layout=Mon, 02 Jan 2006 15:04:05 GMT",
	}
	for name, layout := range map[string]string{
		"rfc1123z": time.RFC1123Z, "rfc822z": time.RFC822Z, "rubydate": time.RubyDate, "ansic": time.ANSIC,
		"kitchen": time.Kitchen, "stamp": time.Stamp, "stampmilli": time.StampMilli, "stampmicro": time.StampMicro,
		"stampnano": time.StampNano, "datetime": time.DateTime, "dateonly": time.DateOnly, "timeonly": time.TimeOnly,
		"date": time.DateOnly, "time": time.TimeOnly,
	} {
		names[name] = "write layout=" + layout
	}
	for _, name := range []string{
		"unix", "unixms", "unixus", "unixns", "unixs", "unixsec", "unixmilli", "unixmillis", "unixmicro", "unixmicros", "unixnano", "unixnanos",
		"unix_ms", "unix_us", "unix_ns", "unix-ms", "unix-us", "unix-ns", "epoch", "epochms", "epoch_ms", "epoch_millis", "epoch_second",
		"timestamp", "seconds", "millis", "milliseconds", "micros", "microseconds", "nanos", "nanoseconds", "s", "ms", "us", "ns",
	} {
		names[name] = count
	}
	return names
}()

// looksForeign reports whether a layout has the signs of strftime, or the letters of
// Java and its like, among its literals. A letter by itself may be part of the text.
func looksForeign(all []element) bool {
	for _, e := range all {
		if e.kind != "" {
			continue
		}
		if i := strings.IndexByte(e.text, '%'); i >= 0 && i+1 < len(e.text) && (isLetter(e.text[i+1]) || e.text[i+1] == '-') {
			return true
		}
		for _, word := range strings.FieldsFunc(e.text, func(r rune) bool { return r > 'z' || !isLetter(byte(r)) }) {
			if areFields(word) {
				return true
			}
		}
	}
	return false
}

// areFields reports whether word is made of letters that are fields in other
// languages, one of them twice at least.
func areFields(word string) bool {
	double := false
	for i := range len(word) {
		if strings.IndexByte("yYuMdDEHhmsSaATZXx", word[i]) < 0 {
			return false
		}
		double = double || i > 0 && word[i] == word[i-1]
	}
	return double
}

// A word of another language of layouts, and Go's.
type word struct{ theirs, ours string }

var strftime = []word{
	{"%Y", "2006"}, {"%y", "06"}, {"%m", "01"}, {"%-m", "1"}, {"%d", "02"}, {"%-d", "2"}, {"%e", "_2"}, {"%j", "002"},
	{"%H", "15"}, {"%I", "03"}, {"%-I", "3"}, {"%M", "04"}, {"%S", "05"}, {"%p", "PM"}, {".%f", ".000000"}, {".%L", ".000"},
	{"%b", "Jan"}, {"%h", "Jan"}, {"%B", "January"}, {"%a", "Mon"}, {"%A", "Monday"}, {"%z", "-0700"}, {"%Z", "MST"},
	{"%F", "2006-01-02"}, {"%T", "15:04:05"}, {"%R", "15:04"}, {"%D", "01/02/06"},
}

var letters = []word{
	{"yyyy", "2006"}, {"YYYY", "2006"}, {"uuuu", "2006"}, {"yy", "06"}, {"YY", "06"},
	{"MMMM", "January"}, {"MMM", "Jan"}, {"MM", "01"}, {"M", "1"}, {"dd", "02"}, {"DD", "02"}, {"d", "2"}, {"D", "2"},
	{"EEEE", "Monday"}, {"EEE", "Mon"}, {"dddd", "Monday"}, {"ddd", "Mon"}, {"HH", "15"}, {"hh", "03"}, {"h", "3"},
	{"mm", "04"}, {"ss", "05"}, {".SSSSSS", ".000000"}, {".SSS", ".000"}, {",SSS", ",000"}, {"a", "PM"}, {"A", "PM"},
	{"XXX", "Z07:00"}, {"xxx", "-07:00"}, {"X", "Z07"}, {"ZZZ", "-0700"}, {"ZZ", "-0700"}, {"Z", "-0700"},
	{"'T'", "T"}, {"[T]", "T"}, {"'Z'", "Z"}, {"[Z]", "Z"}, {"T", "T"},
}

// translated is a layout of strftime or of letters as one of Go, "" if it cannot
// be told.
func translated(layout string) string {
	words, percent := letters, strings.Contains(layout, "%")
	if percent {
		words = strftime
	}
	var out strings.Builder
	for at := 0; at < len(layout); {
		best := word{}
		for _, w := range words {
			if strings.HasPrefix(layout[at:], w.theirs) && len(w.theirs) > len(best.theirs) {
				best = w
			}
		}
		c := layout[at]
		switch {
		case best.theirs != "":
			out.WriteString(best.ours)
			at += len(best.theirs)
		case c == '%' || c == '\'' || c == '[' || c >= '0' && c <= '9' || !percent && isLetter(c):
			return ""
		default:
			out.WriteByte(c)
			at++
		}
	}
	all := elementsOf(out.String())
	if looksForeign(all) || checkLayout(out.String(), all) != nil {
		return ""
	}
	return out.String()
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
