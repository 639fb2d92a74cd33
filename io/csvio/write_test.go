package csvio_test

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/millrace/millrace/io/csvio"
	"github.com/millrace/millrace/io/internal/readtest"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/sink"
)

// output writes rows to one file and returns its content.
func output[T any](t readtest.TB, path string, opts csvio.WriteOptions, rows ...T) (string, error) {
	t.Helper()
	opts.Shards, opts.Overwrite = 1, true
	s := csvio.Sink[T](path, opts)
	w, err := s.Open(context.Background(), sink.Shard{Index: 0, Of: 1})
	if err != nil {
		return "", err
	}
	defer w.Close()
	for i := range rows {
		if err := w.Write(context.Background(), &rows[i], &model.Meta{}); err != nil {
			return "", err
		}
	}
	prepared, err := w.Prepare(context.Background())
	if err == nil {
		err = s.Commit(context.Background(), []sink.Committable{{Data: prepared}})
	}
	if err != nil {
		return "", err
	}
	content, err := os.ReadFile(path)
	return string(content), err
}

func TestWhatIsQuoted(t *testing.T) {
	type row struct {
		Text string  `csv:"the \"text\""`
		N    *string `csv:"n"`
		I    int
	}
	empty := ""
	var rows []row
	for _, s := range []string{"plain", "", "a,b", `say "hi"`, "two\nlines", "cr\r", "# no comment", " blank", "tail ", "\ufeffmark", "é", `"`, "a;b"} {
		rows = append(rows, row{Text: s})
	}
	rows = append(rows, row{N: &empty, I: -1})
	got, err := output(t, filepath.Join(t.TempDir(), "f"), csvio.WriteOptions{}, rows...)
	if err != nil {
		t.Fatal(err)
	}
	want := "\"the \"\"text\"\"\",n,I\n" +
		"plain,,0\n,,0\n\"a,b\",,0\n\"say \"\"hi\"\"\",,0\n\"two\nlines\",,0\n\"cr\r\",,0\n\"# no comment\",,0\n" +
		"\" blank\",,0\ntail ,,0\n\"\ufeffmark\",,0\né,,0\n\"\"\"\",,0\na;b,,0\n,\"\",-1\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWriteOptions(t *testing.T) {
	type row struct{ A, B string }
	path := filepath.Join(t.TempDir(), "f")
	for _, c := range []struct {
		opts csvio.WriteOptions
		want string
	}{
		{csvio.WriteOptions{}, "A,B\n1,2\n"},
		{csvio.WriteOptions{NoHeader: true}, "1,2\n"},
		{csvio.WriteOptions{Comma: '\t'}, "A\tB\n1\t2\n"},
	} {
		got, err := output(t, path, c.opts, row{"1", "2"})
		if err != nil || got != c.want {
			t.Errorf("%+v: %q, %v", c.opts, got, err)
		}
	}
	if got, err := output[row](t, path, csvio.WriteOptions{}); err != nil || got != "A,B\n" {
		t.Errorf("without rows: %q, %v", got, err)
	}
}

// Named types, to be read and written like what they are named after.
type (
	name  string
	level int16
	ratio float32
	yes   bool
	stamp time.Time //lint:ignore U1000 its name is what the test is about
)

type base struct {
	Key  name
	Span time.Duration
}

// A wide row has a field of each kind there is.
type wide struct {
	base
	S    string
	B    bool
	I    int
	I8   int8
	I16  int16
	I32  int32
	I64  int64
	U    uint
	U8   uint8
	U16  uint16
	U32  uint32
	U64  uint64
	F32  float32
	F64  float64
	L    level
	R    ratio
	Y    yes
	T    time.Time
	Unix time.Time  `csv:",layout=unix"`
	Ms   time.Time  `csv:",layout=unixms"`
	Us   time.Time  `csv:",layout=unixus"`
	Day  time.Time  `csv:"day,layout=Mon, 02 Jan 2006"`
	Addr netip.Addr // AppendText
	Big  *big.Int   // MarshalText by pointer
	PS   *string
	PI   *int
	PT   *time.Time `csv:",optional"`
	PA   *netip.Addr
	PN   *name
	PL   **int `csv:"-"`
}

func pointerTo[T any](g *rapid.Generator[T]) *rapid.Generator[*T] {
	return rapid.Custom(func(t *rapid.T) *T {
		if rapid.Bool().Draw(t, "nil") {
			return nil
		}
		v := g.Draw(t, "value")
		return &v
	})
}

func texts() *rapid.Generator[string] {
	return rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", ",", `"`, "\r\n", "a\rb", " x", "#", "\ufeff", "\xff"}))
}

func instants() *rapid.Generator[time.Time] {
	return rapid.Map(rapid.Int64Range(-2e9, 4e9), func(s int64) time.Time { return time.Unix(s, s%1e9&^1).UTC() })
}

func addresses() *rapid.Generator[netip.Addr] {
	return rapid.Map(rapid.Uint32(), func(n uint32) netip.Addr {
		return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
	})
}

func wideRows() *rapid.Generator[wide] {
	return rapid.Custom(func(t *rapid.T) wide {
		at := instants().Draw(t, "T")
		w := wide{
			base: base{name(texts().Draw(t, "Key")), time.Duration(rapid.Int64().Draw(t, "Span"))},
			S:    texts().Draw(t, "S"), B: rapid.Bool().Draw(t, "B"),
			I: rapid.Int().Draw(t, "I"), I8: rapid.Int8().Draw(t, "I8"), I16: rapid.Int16().Draw(t, "I16"),
			I32: rapid.Int32().Draw(t, "I32"), I64: rapid.Int64().Draw(t, "I64"),
			U: rapid.Uint().Draw(t, "U"), U8: rapid.Uint8().Draw(t, "U8"), U16: rapid.Uint16().Draw(t, "U16"),
			U32: rapid.Uint32().Draw(t, "U32"), U64: rapid.Uint64().Draw(t, "U64"),
			F32: rapid.Float32().Draw(t, "F32"),
			F64: rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{math.Inf(1), math.Inf(-1), math.NaN()})).Draw(t, "F64"),
			L:   level(rapid.Int16().Draw(t, "L")), R: ratio(rapid.Float32().Draw(t, "R")), Y: yes(rapid.Bool().Draw(t, "Y")),
			T: at, Unix: at.Truncate(time.Second), Ms: at.Truncate(time.Millisecond), Us: at.Truncate(time.Microsecond),
			Day:  time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC),
			Addr: addresses().Draw(t, "Addr"),
			PS:   pointerTo(texts()).Draw(t, "PS"), PI: pointerTo(rapid.Int()).Draw(t, "PI"),
			PT: pointerTo(instants()).Draw(t, "PT"), PA: pointerTo(addresses()).Draw(t, "PA"),
			PN: pointerTo(rapid.Map(texts(), func(s string) name { return name(s) })).Draw(t, "PN"),
		}
		if n := rapid.Int64().Draw(t, "Big"); n%3 != 0 {
			w.Big = new(big.Int).Mul(big.NewInt(n), big.NewInt(math.MaxInt64))
		}
		return w
	})
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	same := cmp.Options{
		cmp.AllowUnexported(wide{}, base{}), cmpopts.EquateNaNs(),
		cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
		cmp.Comparer(func(a, b *big.Int) bool { return a == b || a != nil && b != nil && a.Cmp(b) == 0 }),
	}
	readtest.SlowCheck(t, func(rt *rapid.T) {
		rows := rapid.SliceOfN(wideRows(), 0, 10).Draw(rt, "rows")
		comma := rapid.SampledFrom([]rune{0, ';', '\t', '|'}).Draw(rt, "comma")
		if _, err := output(rt, path, csvio.WriteOptions{Comma: comma}, rows...); err != nil {
			rt.Fatalf("%v", err)
		}
		got := readtest.Interrupted(rt, csvio.Source(path, csvio.Options[wide]{Comma: comma}))
		if diff := cmp.Diff(rows, append([]wide{}, got...), same); diff != "" {
			rt.Error(diff)
		}
	})
}

func TestShortNumbersAreThoseOfStrconv(t *testing.T) {
	for _, cell := range []string{"", "-", ".", "-.", "..", "1.", ".5", "-0", "-0.0", "1.2.3", "1..", "9007199254740991", "9007199254740993", "123456789.1234567", "0000000000000.1", "+1", "1e5", "0x1"} {
		checkShort(t, cell)
	}
	cell := rapid.StringMatching(`-?[0-9]{0,9}\.?[0-9]{0,8}`)
	rapid.Check(t, func(rt *rapid.T) { checkShort(rt, cell.Draw(rt, "cell")) })
}

func checkShort(t readtest.TB, cell string) {
	t.Helper()
	got, ok := csvio.ShortFloat([]byte(cell))
	want, err := strconv.ParseFloat(cell, 64)
	if ok && (err != nil || math.Float64bits(got) != math.Float64bits(want)) {
		t.Fatalf("%q is %v; strconv says %v, %v", cell, got, want, err)
	}
}

// A row of one column, empty, is not an empty line.
func TestASingleEmptyColumn(t *testing.T) {
	type row struct{ A string }
	path := filepath.Join(t.TempDir(), "f")
	content, err := output(t, path, csvio.WriteOptions{}, row{""}, row{"x"}, row{""})
	if err != nil || content != "A\n\"\"\nx\n\"\"\n" {
		t.Fatalf("%q, %v", content, err)
	}
	if diff := cmp.Diff([]row{{""}, {"x"}, {""}}, readtest.All(t, csvio.Source(path, csvio.Options[row]{}), 1)); diff != "" {
		t.Error(diff)
	}
}

// Types and structs of a kind that csvio refuses.
type (
	onlyIn struct {
		x int //lint:ignore U1000 it is never read, and refused
	}
	onlyOut    int
	unexported struct {
		a int //lint:ignore U1000 it is refused
		B int
		c int `csv:"c"` //lint:ignore U1000 it is refused
	}
)

func (*onlyIn) UnmarshalText([]byte) error   { return nil }
func (onlyOut) MarshalText() ([]byte, error) { return nil, fmt.Errorf("out of order") }

func sourceMistake[T any](opts csvio.Options[T]) string {
	_, err := csvio.Source("nothing", opts).Splits(context.Background(), 1)
	return fmt.Sprint(err)
}

func sinkMistake[T any](opts csvio.WriteOptions) string {
	_, err := csvio.Sink[T]("nothing", opts).Open(context.Background(), sink.Shard{Of: 1})
	return fmt.Sprint(err)
}

func TestMistakesInRowTypesAndOptions(t *testing.T) {
	const forms = "; a field is a string, bool, number, time.Time, time.Duration, has UnmarshalText and MarshalText, or is a pointer to one of those"
	for _, c := range []struct{ got, want string }{
		{sourceMistake(csvio.Options[int]{}), "csvio: rows are int, and must be structs with a field for each column"},
		{sourceMistake(csvio.Options[struct{ a int }]{}), "csvio: struct { a int } has no exported fields, which are the columns"},
		{sourceMistake(csvio.Options[unexported]{}), "csvio: unexported.c has a csv tag and is not exported; export it, or remove the tag"},
		{sourceMistake(csvio.Options[struct {
			A []string
			B map[string]int
			C any
			D **int
		}]{}), "csvio: .A: []string has no text form here" + forms + "\n.B: map[string]int has no text form here" + forms + "\n.C: interface {} has no text form here" + forms + "\n.D: **int has no text form here" + forms},
		{sourceMistake(csvio.Options[struct {
			A int `csv:"x,omitempty"`
		}]{}), `csvio: .A: its tag has the option "omitempty"; there are "optional" and "layout="`},
		{sourceMistake(csvio.Options[struct {
			A int `csv:"x,layout=2006"`
		}]{}), `csvio: .A: its tag has a layout, and int is no time`},
		{sourceMistake(csvio.Options[struct {
			A time.Time `csv:"x,layout="`
		}]{}), `csvio: .A: the layout in its tag is empty`},
		{sourceMistake(csvio.Options[struct {
			A int `csv:"B"`
			B int
		}]{}), `csvio: .A and .B are both the column "B"; name one of them otherwise in its tag`},
		{sourceMistake(csvio.Options[struct{ A onlyOut }]{}), `csvio: .A: its type has MarshalText and no UnmarshalText, and cannot be read; add the other, or leave the field out with the tag csv:"-"`},
		{sinkMistake[struct{ A onlyIn }](csvio.WriteOptions{}), `csvio: .A: its type has UnmarshalText and no MarshalText, and cannot be written; add the other, or leave the field out with the tag csv:"-"`},
		{sourceMistake(csvio.Options[triple]{Comma: 'x'}), `csvio: 'x' cannot separate fields; take an ASCII character that is no letter, digit or quote, nor part of a number`},
		{sourceMistake(csvio.Options[triple]{Comma: '§'}), `csvio: '§' cannot separate fields; take an ASCII character that is no letter, digit or quote, nor part of a number`},
		{sinkMistake[triple](csvio.WriteOptions{Comma: '"'}), `csvio: '"' cannot separate fields; take an ASCII character that is no letter, digit or quote, nor part of a number`},
		{sourceMistake(csvio.Options[triple]{Comment: ','}), `csvio: ',' cannot begin a comment; take an ASCII character that is no letter, digit or quote, and not the comma`},
		{sourceMistake(csvio.Options[triple]{OutOfOrderness: 1}), `csvio: OutOfOrderness is set and EventTime is not; set EventTime, too`},
		{sourceMistake(csvio.Options[triple]{OutOfOrderness: -1, EventTime: func(triple) model.Timestamp { return 0 }}), `source.BoundedOutOfOrderness(-1ns): the duration must not be negative`},
	} {
		if c.got != c.want {
			t.Errorf("\n got %s\nwant %s", c.got, c.want)
		}
	}
}

func TestARowWithoutText(t *testing.T) {
	d := t.TempDir()
	type late struct{ At time.Time }
	_, err := output(t, d+"/f", csvio.WriteOptions{}, late{time.Date(12345, 1, 1, 0, 0, 0, 0, time.UTC)})
	if err == nil || !strings.HasPrefix(err.Error(), "csvio: writing "+d+"/f: late.At has no text: ") {
		t.Error(err)
	}
	type odd struct{ A onlyOut }
	if _, err = output(t, d+"/f", csvio.WriteOptions{}, odd{}); err == nil || !strings.HasSuffix(err.Error(), "odd.A has no text: out of order") {
		t.Error(err)
	}
	entries, _ := os.ReadDir(d)
	if len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
}
