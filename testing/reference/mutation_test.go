package reference_test

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
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

// patched is what the files of m are with the bug in them.
func (m mutation) patched(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, c := range m.changes {
		text, ok := files[c.file]
		if !ok {
			b, err := os.ReadFile(filepath.Join(root, c.file))
			if err != nil {
				t.Fatal(err)
			}
			text = string(b)
		}
		if n := strings.Count(text, c.old); n != 1 {
			t.Fatalf("%s has this text %d times, not once; bring the list of mutations up to date:\n%s", c.file, n, c.old)
		}
		files[c.file] = strings.Replace(text, c.old, c.new, 1)
	}
	return files
}

// TestMutationsAreUpToDate finds every mutation's text in the source.
func TestMutationsAreUpToDate(t *testing.T) {
	names := map[string]bool{}
	for _, m := range mutations {
		t.Run(m.name, func(t *testing.T) { m.patched(t) })
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
			bin := m.compile(t)
			out, err := exec.Command(bin, "-test.run=^TestEngineAgreesWithReference$", "-test.timeout=5m", "-cases=100000", "-rapid.seed=1", "-rapid.shrinktime=0s").CombinedOutput()
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

// compile compiles this package's tests with m in the engine.
func (m mutation) compile(t *testing.T) (bin string) {
	t.Helper()
	dir := t.TempDir()
	replace := map[string]string{}
	for file, text := range m.patched(t) {
		to := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(to, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		from, err := filepath.Abs(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		replace[from] = to
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, b, 0o644); err != nil {
		t.Fatal(err)
	}
	bin = filepath.Join(dir, "mutant")
	if out, err := exec.Command("go", "test", "-c", "-overlay", overlay, "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("the mutation does not compile: %v\n%s", err, out)
	}
	return bin
}

// tail is the end of a long text.
func tail(s string) string {
	const most = 2000
	return s[max(0, len(s)-most):]
}
