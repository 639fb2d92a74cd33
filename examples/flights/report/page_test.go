package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files")

// render makes a page.
func render(t *testing.T, in Input) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Page(&b, in); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// timed is an input in which all counts are known.
func timed(hours []Hour) Input {
	return Input{
		Hours: hours, OnTime: 50, Late: 8, Dropped: 1, Cancelled: 7,
		Window: time.Hour, Bound: 90 * time.Minute, Lateness: 3 * time.Hour,
	}
}

func TestPageGolden(t *testing.T) {
	got := render(t, timed(few()))
	for _, part := range []string{pageCSS, pageJS} {
		if !bytes.Contains(got, []byte(part)) {
			t.Error("the style or the script of the page is not what it should be")
		}
		got = bytes.ReplaceAll(got, []byte(part), nil)
	}
	name := filepath.Join("testdata", "few.html")
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the page differs from %s; run the test with -update and look at the difference", name)
	}
}

// check parses a page, which is well-formed XML too, and returns the text of
// the element of the given id.
func check(t *testing.T, page []byte, id string) string {
	t.Helper()
	ids := make(map[string]bool)
	var uses []string
	var inside bool
	var text strings.Builder
	for d := xml.NewDecoder(bytes.NewReader(page)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			for _, a := range token.Attr {
				switch {
				case a.Name.Local == "id":
					if ids[a.Value] {
						t.Errorf("two elements have the id %s", a.Value)
					}
					ids[a.Value] = true
					inside = a.Value == id
				case a.Name.Local == "src", strings.HasPrefix(a.Name.Local, "on"):
					t.Errorf("<%s> has the attribute %s", token.Name.Local, a.Name.Local)
				case a.Name.Local == "href" && a.Value != "data:,":
					uses = append(uses, a.Value)
				}
			}
		case xml.CharData:
			if inside {
				text.Write(token)
			}
		case xml.EndElement:
			inside = false
		}
	}
	for _, use := range uses {
		if !strings.HasPrefix(use, "#") || !ids[use[1:]] {
			t.Errorf("a reference to %s, which is not in the page", use)
		}
	}
	for _, outside := range []string{"http:", "https:", "@import", "url("} {
		if bytes.Contains(page, []byte(outside)) {
			t.Errorf("the page has %q in it", outside)
		}
	}
	return text.String()
}

func TestPageWellFormed(t *testing.T) {
	one := few()[:1]
	for name, in := range map[string]Input{
		"nothing":       {},
		"no hours":      timed(nil),
		"one hour":      timed(one),
		"no timing":     {Hours: few()},
		"few":           timed(few()),
		"many":          timed(many(rand.New(rand.NewPCG(1, 3)))),
		"strange name":  timed([]Hour{{Origin: `</script><b class="s0">&`, Start: one[0].Start, End: one[0].End, Flights: 1}}),
		"longest delay": timed([]Hour{hour("LGA", "2013-09-02T20:00:00Z", 1, 1e6, 1e6)}),
		"all early":     timed([]Hour{hour("LGA", "2013-09-02T20:00:00Z", 12, -60, -50)}),
		"years":         timed([]Hour{one[0], hour("LGA", "2015-09-02T20:00:00Z", 1, 5, 5)}),
	} {
		t.Run(name, func(t *testing.T) {
			page := render(t, in)
			check(t, page, "")
			for _, bad := range []string{"NaN", "Inf", "-0<", "ZgotmplZ", "<b class="} {
				if bytes.Contains(page, []byte(bad)) {
					t.Errorf("the page has %q in it", bad)
				}
			}
		})
	}
}

func TestPageDeterministic(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 4))
	hours := many(r)
	first := render(t, timed(hours))
	for range 5 {
		hours = slices.Clone(hours)
		r.Shuffle(len(hours), func(i, j int) { hours[i], hours[j] = hours[j], hours[i] })
		if !bytes.Equal(render(t, timed(hours)), first) {
			t.Fatal("another order of the hours gives another page")
		}
	}
}

func TestPagePartial(t *testing.T) {
	const note = "are not in the picture"
	in := timed(few())
	for _, c := range []struct {
		onTime, late, dropped int
		want                  bool
	}{
		{50, 9, 5, true},  // the hours have 59 flights
		{50, 5, 4, false}, // with those that were dropped
		{50, 9, 0, false},
	} {
		in.OnTime, in.Late, in.Dropped = c.onTime, c.late, c.dropped
		if got := bytes.Contains(render(t, in), []byte(note)); got != c.want {
			t.Errorf("%d on time, %d late, %d dropped: note %v, want %v", c.onTime, c.late, c.dropped, got, c.want)
		}
	}
}

// The bar of the stream has as many parts as there are kinds of flights, and the legend
// has them all.
func TestPageDrawsNoPartOfNothing(t *testing.T) {
	for _, c := range []struct{ onTime, late, dropped, parts int }{
		{50, 9, 5, 3}, {50, 9, 0, 2}, {50, 0, 0, 1}, {0, 0, 5, 1}, {1_000_000, 0, 1, 2},
	} {
		in := timed(few())
		in.OnTime, in.Late, in.Dropped = c.onTime, c.late, c.dropped
		page := string(render(t, in))
		_, bar, _ := strings.Cut(page, `<div class="split"`)
		bar, legend, _ := strings.Cut(bar, "</div>")
		legend, _, _ = strings.Cut(legend, "</dl>")
		if n, of := strings.Count(bar, "<i "), strings.Count(legend, "<i "); n != c.parts || of != 3 {
			t.Errorf("%d on time, %d late, %d dropped: the bar has %d parts, want %d, and the legend %d, want 3", c.onTime, c.late, c.dropped, n, c.parts, of)
		}
	}
}

// TestPageData holds what the script is given against the hours.
func TestPageData(t *testing.T) {
	for seed := range uint64(5) {
		hours := many(rand.New(rand.NewPCG(seed, 5)))
		var d data
		if err := json.Unmarshal([]byte(check(t, render(t, Input{Hours: hours}), "data")), &d); err != nil {
			t.Fatal(err)
		}
		for i, total := range Totals(hours) {
			cells := strings.Split(d.Cells[i], ",")
			if len(cells) != d.Days*d.Rows {
				t.Fatalf("%d cells, want %d days of %d", len(cells), d.Days, d.Rows)
			}
			cells = slices.DeleteFunc(cells, func(s string) bool { return s == "" })
			if d.Origins[i] != total.Origin || len(cells) != total.Hours {
				t.Errorf("%s has %d cells, want %s with %d", d.Origins[i], len(cells), total.Origin, total.Hours)
			}
		}
	}
}
