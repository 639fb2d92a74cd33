package textio_test

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/io/textio"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
)

// written is when the files of these tests were written, but for those that are changed.
var written = time.Unix(1_000_000_000, 250_000_000)

// half reads half of the file f in d, which is old, and returns the source and what is left.
func half(t *testing.T, d string) (source.Source[string], source.Split) {
	t.Helper()
	setTime(t, d+"/f", written)
	src := textio.Source(d+"/f", textio.Options{})
	splits, err := src.Splits(t.Context(), 1)
	if err != nil || len(splits) != 1 {
		t.Fatalf("%d splits, %v", len(splits), err)
	}
	r, err := src.Open(t.Context(), splits[0])
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Read(t.Context(), 25_000, func(*string, model.Timestamp) {}); err != nil {
		t.Fatal(err)
	}
	return src, r.Position()
}

func setTime(t *testing.T, path string, at time.Time) {
	t.Helper()
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func rewrite(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}

const manyLines = 50_000

var oldContent = strings.Repeat("0123456789abcde\n", manyLines)

func TestAFileThatIsChangedBeforeItsReadingGoesOn(t *testing.T) {
	for _, at := range []int64{100_000, 400_000, 700_000} { // read, both, and not read
		d := dir(t, map[string]string{"f": oldContent})
		src, left := half(t, d)
		edit(t, d+"/f", 0, at, "x")
		setTime(t, d+"/f", written.Add(time.Hour))
		_, err := src.Open(t.Context(), left)
		wantError(t, d, err, "textio: f has changed: it was last written to at 2001-09-09T01:46:40.25Z when its reading was planned, and at 2001-09-09T02:46:40.25Z since, at the same size; files must not change between the start of a run and its end; put the old file back, or start without the checkpoint; if its content is the old one, as that of a copy, give it back its time: touch -d 2001-09-09T01:46:40.25Z 'f'")
	}
}

func TestACopyOfAFileIsReadOnOnceItHasTheOldTime(t *testing.T) {
	d := dir(t, map[string]string{"f": oldContent})
	src, left := half(t, d)
	if err := os.Remove(d + "/f"); err != nil {
		t.Fatal(err)
	}
	rewrite(t, d+"/f", oldContent)
	if _, err := src.Open(t.Context(), left); err == nil || !strings.Contains(err.Error(), "touch -d") {
		t.Errorf("got %v", err)
	}
	for _, at := range []time.Time{written, written.Truncate(time.Second)} { // as archives keep it
		setTime(t, d+"/f", at)
		r, err := src.Open(t.Context(), left)
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
	}
}

// Positions of before had no time.
func TestAPositionWithoutATimeIsReadOn(t *testing.T) {
	d := dir(t, map[string]string{"f": oldContent})
	src, left := half(t, d)
	head, _, ok := strings.Cut(string(left.Position), `,"modified"`)
	if !ok {
		t.Fatalf("the position is %s", left.Position)
	}
	left.Position = []byte(strings.Replace(head, `"v":2`, `"v":1`, 1) + "}")
	setTime(t, d+"/f", written.Add(time.Hour))
	r, err := src.Open(t.Context(), left)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	n := 0
	for done := false; !done; {
		status, err := r.Read(t.Context(), manyLines, func(*string, model.Timestamp) { n++ })
		if err != nil {
			t.Fatal(err)
		}
		done = status.Done
	}
	if n != manyLines-25_000 {
		t.Errorf("%d lines were read on", n)
	}
}

// A split of a file that the pattern has stays as it is; one of another is taken to be of
// the file in its place.
func TestSplitsOfFilesThatWereMoved(t *testing.T) {
	files := map[string]string{"x.txt": "1\n", "p/x.txt": "1\n", "p/q/x.txt": "1\n", "p/q/y.txt": "1\n", "p/.h/x.txt": "1\n", "p/a[b].txt": "1\n"}
	d := dir(t, files)
	elsewhere := t.TempDir()
	if err := os.CopyFS(elsewhere+"/new", os.DirFS(d)); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"/x.txt", "/*.txt", "/p/*.txt", "/**/x.txt", "/**", "//p//**/*", "/p/./q/[xy].txt", "/*/q/?.txt", "/p/.h/*", "/p/.*/x.txt", `/p/a\[b].txt`} {
		src := textio.Source(d+pattern, textio.Options{})
		splits, err := src.Splits(t.Context(), 1)
		if err != nil || len(splits) == 0 {
			t.Fatalf("%s: %d splits, %v", pattern, len(splits), err)
		}
		moved := textio.Source(elsewhere+"/new"+pattern, textio.Options{})
		for _, s := range splits {
			if same, err := src.(source.Movable).Moved(s); err != nil || !reflect.DeepEqual(same, s) {
				t.Errorf("%s: the split %v became %v, %v", pattern, s, same, err)
			}
			there, err := moved.(source.Movable).Moved(s)
			if want := strings.Replace(s.ID, d, elsewhere+"/new", 1); err != nil || there.ID != want {
				t.Errorf("%s: the split %s became %s, want %s, %v", pattern, s.ID, there.ID, want, err)
			}
		}
	}
}
