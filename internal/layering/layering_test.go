package layering

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

var module = os.DirFS("../..")

func TestPackagesImportOnlyWhatIsBelowThem(t *testing.T) {
	problems, err := Imports(module, Table)
	wantNone(t, problems, err)
}

func TestCoreIsPure(t *testing.T) {
	problems, err := Impurities(module, Pure)
	wantNone(t, problems, err)
}

func TestEngineDoesNotWalkMaps(t *testing.T) {
	problems, err := MapWalks(module, []string{"internal/engine", "internal/engine/cells"})
	wantNone(t, problems, err)
}

func wantNone(t *testing.T, problems []string, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Error(p)
	}
}

func TestTableNamesRowsThatAreAbove(t *testing.T) {
	for i, r := range Table {
		for _, p := range slices.Concat(r.Only, r.Except) {
			if above := rowOf(Table, strings.TrimSuffix(p, "/...")); above < 0 || above >= i {
				t.Errorf("the row of %v names %s, which is not above it", r.Packages, p)
			}
		}
		for _, p := range r.Packages {
			if got := rowOf(Table, strings.TrimSuffix(p, "/...")); got != i {
				t.Errorf("%s is in rows %d and %d", p, i, got)
			}
		}
	}
}

// planted is a module of one file.
func planted(name, src string) fstest.MapFS {
	return fstest.MapFS{name: {Data: []byte(src)}}
}

func TestPlantedImportsAreFound(t *testing.T) {
	const m = Module
	for _, tt := range []struct {
		name, imports, want string
	}{
		{"model/a.go", m + "/windowing", "model/a.go:2:8: model may not import windowing"},
		{"model/coder/a.go", m + "/model", "model/coder/a.go:2:8: model/coder may not import model"},
		{"windowing/a.go", m + "/triggers", "windowing/a.go:2:8: windowing may not import triggers"},
		{"internal/plan/a.go", m + "/internal/engine", "internal/plan/a.go:2:8: internal/plan may not import internal/engine"},
		{"internal/engine/a.go", m + "/transforms", "internal/engine/a.go:2:8: internal/engine may not import transforms"},
		{"transforms/a.go", m + "/runners/direct", "transforms/a.go:2:8: transforms may not import runners/direct"},
		{"runners/direct/a.go", m + "/runners/distributed", "runners/direct/a.go:2:8: runners/direct may not import runners/distributed"},
		{"io/kafkaio/a.go", m + "/runners/direct", "io/kafkaio/a.go:2:8: io/kafkaio may not import runners/direct"},
		{"io/kafkaio/a.go", m + "/io/textio", "io/kafkaio/a.go:2:8: io/kafkaio may not import io/textio"},
		{"io/internal/files/a.go", m + "/io/textio", "io/internal/files/a.go:2:8: io/internal/files may not import io/textio"},
		{"testing/nexmark/loop/a.go", m + "/transforms", "testing/nexmark/loop/a.go:2:8: testing/nexmark/loop may not import transforms"},
		{"testing/streamtest/a.go", m, "testing/streamtest/a.go:2:8: testing/streamtest may not import ."},
		{"a.go", m + "/cmd/millrace", "a.go:2:8: . may not import cmd/millrace"},
		{"runners/direct/a.go", m + "/stray", "runners/direct/a.go:2:8: runners/direct may not import stray"},
		{"stray/a.go", "fmt", "package stray is in no row: add it to layering.Table, where it belongs"},

		{"model/state/a.go", m + "/model/coder", ""},
		{"transforms/a.go", m + "/internal/engine", ""},
		{"io/kafkaio/a.go", m + "/io/internal/files", ""},
		{"io/kafkaio/a.go", m + "/transforms", ""},
		{"testing/simulate/a.go", m + "/runners/direct", ""},
		{"examples/shop/a.go", m, ""},
		{"examples/shop/report/a.go", m + "/examples/shop/data", ""},
		{"model/a_test.go", m + "/runners/direct", ""},
		{"model/testdata/a.go", m + "/runners/direct", ""},
	} {
		got, err := Imports(planted(tt.name, "package a\nimport \""+tt.imports+"\"\n"), Table)
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.Join(got, "; "); want != tt.want {
			t.Errorf("%s imports %s:\n got %q\nwant %q", tt.name, tt.imports, want, tt.want)
		}
	}
}

func TestPlantedImpuritiesAreFound(t *testing.T) {
	for _, tt := range []struct{ code, want string }{
		{`import "os"`, "imports os"},
		{`import "sync/atomic"`, "imports sync/atomic"},
		{`import "maps"`, "imports maps"},
		{`import "unsafe"`, "imports unsafe"},
		{`import . "time"`, "imports time without a name"},
		{`import "golang.org/x/exp/rand"`, "imports golang.org/x/exp/rand"},
		{`import "time"; var now = time.Now()`, "uses time.Now"},
		{`import clock "time"; var tick = clock.NewTicker`, "uses time.NewTicker"},
		{`import "context"; var wait = context.WithTimeout`, "uses context.WithTimeout"},
		{`import "fmt"; func f() { fmt.Println() }`, "uses fmt.Println"},
		{`func f() { println() }`, "prints"},
		{`func f() { go f() }`, "starts a goroutine"},
		{`func f() { select {} }`, "selects"},
		{`var c chan int`, "has a channel type"},
		{`func f(c interface{ ~int }) { _ = <-c }`, "receives from a channel"},

		{`import "time"; const minute = time.Minute`, ""},
		{`import "time"; func f(t time.Time) bool { return t.After(t) }`, ""},
		{`import "` + Module + `/model"`, ""},
	} {
		got, err := Impurities(planted("windowing/a.go", "package a; "+tt.code), Pure)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 0 && tt.want == "" {
			continue
		}
		if len(got) != 1 || tt.want == "" || !strings.HasSuffix(got[0], ": "+tt.want) {
			t.Errorf("%s\n got %q\nwant %q", tt.code, got, tt.want)
		}
	}
}

func TestPlantedMapWalksAreFound(t *testing.T) {
	module := fstest.MapFS{
		"model/a.go": {Data: []byte(`package model
			type Index map[string]int
			func Make() (x struct{ In Index }) { return }`)},
		"internal/engine/a.go": {Data: []byte(`package engine
			import ("` + Module + `/model"; "slices")
			func f[M ~map[string]int](m M, list []int) {
				for range model.Make().In {}
				for range m {}
				for range map[int]bool{} {}

				for range list {}
				for range slices.Values(list) {}
				_ = model.Make().In["a"]
			}`)},
	}
	got, err := MapWalks(module, []string{"internal/engine"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"internal/engine/a.go:4:5: ranges over a map",
		"internal/engine/a.go:5:5: ranges over a map",
		"internal/engine/a.go:6:5: ranges over a map",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
