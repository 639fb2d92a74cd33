package csvio

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// timeCodecs are those of times of a layout, "" being RFC 3339. The error is a
// layout that does not read what it writes.
func timeCodecs(layout string) (codecs, error) {
	switch layout {
	case "":
		return codecsOf(parseRFC3339, appendRFC3339, true), nil
	case "unix":
		return epoch(1), nil
	case "unixms":
		return epoch(1_000), nil
	case "unixus":
		return epoch(1_000_000), nil
	}
	elements := elementsOf(layout)
	if err := checkLayout(layout, elements); err != nil {
		return codecs{}, err
	}
	t := timeLayout{layout: layout, resolution: zoneResolution(elements)}
	for _, e := range elements {
		t.shortYear = t.shortYear || e.text == "06"
		t.longYear = t.longYear || e.text == "2006"
		t.named = t.named || e.text == "MST"
	}
	return codecsOf(t.parse, t.append, true), nil
}

// A timeLayout reads and writes times of a layout that was checked.
type timeLayout struct {
	layout string
	// resolution is how exactly the layout writes the offset of a zone; 0 says that
	// it writes none, and times are in UTC.
	resolution time.Duration
	// What the layout has: a year of two digits, or of four, and a zone's name.
	shortYear, longYear, named bool
}

// parse knows no zone but UTC, so that a cell is the same time on each machine.
func (l timeLayout) parse(cell []byte) (time.Time, error) {
	t, err := time.ParseInLocation(l.layout, view(cell), time.UTC) // copies what it keeps, a zone's name
	if err != nil {
		return time.Time{}, badTime(cell, "a time like "+strconv.Quote(l.layout), err)
	}
	return t, nil
}

func (l timeLayout) append(dst []byte, t time.Time) ([]byte, error) {
	t = writable(t, l.resolution)
	switch year := t.Year(); {
	case l.shortYear && !l.longYear && (year < 1969 || year > 2068):
		return dst, fmt.Errorf("the year %d has no place in the two digits of the layout %q, which are read as 1969 to 2068; write 2006 in the layout instead of 06", year, l.layout)
	case l.longYear && (year < 0 || year > 9999):
		return dst, fmt.Errorf("the year %d has no place in the four digits of the layout %q", year, l.layout)
	}
	from := len(dst)
	dst = t.AppendFormat(dst, l.layout)
	if l.named {
		if _, err := l.parse(dst[from:]); err != nil { // zones may have any name
			dst = t.UTC().AppendFormat(dst[:from], l.layout)
		}
	}
	return dst, nil
}

// writable is the instant t in a zone whose offset is written exactly: its own, or
// UTC.
func writable(t time.Time, resolution time.Duration) time.Time {
	if resolution == 0 {
		return t.UTC()
	}
	if _, offset := t.Zone(); time.Duration(offset)*time.Second%resolution != 0 {
		return t.UTC()
	}
	return t
}

func appendRFC3339(dst []byte, t time.Time) ([]byte, error) {
	return writable(t, time.Minute).AppendText(dst)
}

const notRFC3339 = "a time of RFC 3339; if it is another kind, name its layout in the field's tag"

func parseRFC3339(cell []byte) (time.Time, error) {
	t, err := time.ParseInLocation(time.RFC3339, view(cell), time.UTC)
	if err == nil {
		return t, nil
	}
	if t, ok := rareRFC3339(cell); ok {
		return t, nil
	}
	return time.Time{}, badTime(cell, notRFC3339, err)
}

// rareRFC3339 reads what RFC 3339 allows and package time does not know: lower-case
// letters, a blank between date and time, and leap seconds. As Go's clock has none,
// a leap second is the one after it.
func rareRFC3339(cell []byte) (t time.Time, ok bool) {
	const date, seconds = len("2006-01-02"), len("2006-01-02T15:04:")
	if len(cell) <= seconds+2 {
		return time.Time{}, false
	}
	c, last := bytes.Clone(cell), len(cell)-1
	if c[date] == 't' || c[date] == ' ' {
		c[date] = 'T'
	}
	if c[last] == 'z' {
		c[last] = 'Z'
	}
	leap := string(c[seconds:seconds+2]) == "60"
	if leap {
		copy(c[seconds:], "59")
	}
	t, err := time.ParseInLocation(time.RFC3339, view(c), time.UTC)
	if err != nil || !leap {
		return t, err == nil
	}
	t = t.Add(time.Second)
	utc := t.UTC()
	return t, utc.Day() == 1 && utc.Hour() == 0 && utc.Minute() == 0 && utc.Second() == 0 // it ends a month
}

// badTime is [refusal] but for a cell that has the form of a time and is none, such
// as the 30th of February: there it says why.
func badTime(cell []byte, kind string, err error) error {
	var p *time.ParseError
	if len(cell) > 0 && errors.As(err, &p) && strings.HasSuffix(p.Message, "out of range") {
		return fmt.Errorf("%s is no time: %s", quoteCell(cell), strings.TrimPrefix(p.Message, ": "))
	}
	return refusal[time.Time](cell, kind, err)
}

// epoch counts perSecond parts of a second since 1970.
func epoch(perSecond int64) codecs {
	part := int64(time.Second) / perSecond
	parse := func(cell []byte) (time.Time, error) {
		n, err := strconv.ParseInt(view(cell), 10, 64)
		if err != nil {
			return time.Time{}, refusal[time.Time](cell, "a whole number", err)
		}
		seconds := n / perSecond
		return time.Unix(seconds, (n-seconds*perSecond)*part).UTC(), nil
	}
	format := func(dst []byte, t time.Time) ([]byte, error) {
		if s := t.Unix(); s > math.MaxInt64/perSecond-1 || s < math.MinInt64/perSecond+1 {
			return dst, fmt.Errorf("the year %d does not fit in a count since the epoch", t.Year())
		}
		return strconv.AppendInt(dst, t.Unix()*perSecond+int64(t.Nanosecond())/part, 10), nil
	}
	return codecsOf(parse, format, true)
}
