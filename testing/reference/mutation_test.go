package reference_test

import (
	"flag"
	"regexp"
	"testing"

	"github.com/millrace/millrace/testing/internal/mutant"
)

var mutate = flag.Bool("mutate", false, "break the engine in each way that is listed, and ask whether the comparison notices")

// root is the module's, from this folder.
const root = "../.."

// A mutation is a bug, as changes of source files.
type mutation struct {
	name    string
	changes []change
}

// A change replaces text that a file has once.
type change struct{ file, old, new string }

func (m mutation) bug() mutant.Bug {
	b := mutant.Bug{Name: m.name}
	for _, c := range m.changes {
		b.Changes = append(b.Changes, mutant.Change{File: c.file, Old: c.old, New: c.new})
	}
	return b
}

// TestMutationsAreUpToDate finds every mutation's text in the source.
func TestMutationsAreUpToDate(t *testing.T) {
	names := map[string]bool{}
	for _, m := range mutations {
		t.Run(m.name, func(t *testing.T) {
			if _, err := m.bug().Patched(root); err != nil {
				t.Fatal(err)
			}
		})
		if names[m.name] {
			t.Errorf("there are two mutations called %q", m.name)
		}
		names[m.name] = true
	}
}

// TestMutationsAreNoticed compiles the comparison with each mutation in turn, and
// runs it until it fails. It takes minutes, and is run by -mutate.
func TestMutationsAreNoticed(t *testing.T) {
	if !*mutate {
		t.Skip("enable with: go test ./testing/reference -mutate (takes minutes: it compiles the engine once for each mutation)")
	}
	for _, m := range mutations {
		t.Run(m.name, func(t *testing.T) {
			bin, err := m.bug().Compile(root, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			out, err := mutant.Run(bin, "-test.run=^TestEngineAgreesWithReference$", "-test.timeout=5m", "-cases=100000", "-rapid.seed=1", "-rapid.shrinktime=0s")
			if mutant.OutOfMemory(out) {
				t.Log("noticed, as it took all memory")
				return
			}
			found := noticed.FindStringSubmatch(string(out))
			if err == nil || found == nil {
				t.Fatalf("the comparison has not noticed: %v\n%s", err, tail(string(out)))
			}
			t.Logf("noticed after %s cases", found[1])
		})
	}
}

// noticed is what a failed comparison says.
var noticed = regexp.MustCompile(`\[rapid\] (?:failed|panic) after (\d+) tests`)

// tail is the end of a long text.
func tail(s string) string {
	const most = 2000
	return s[max(0, len(s)-most):]
}
