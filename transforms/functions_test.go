package transforms_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// TestFunctions counts the functions that Go compiles anew for the types of each verb,
// and compares them with the most that testdata/functions.txt allows. The counts decide
// how long users wait for a build of a program with many verbs, and how much memory that
// takes. Another Go may count a few more or less: the table has that much room, and no
// more.
//
//	functions VERB... [less=SOURCE] most=N  are those of VERB, less those of SOURCE,
//	                                        which are its inputs alone
func TestFunctions(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds a program; go test without -short does")
	}
	counts := functionsByVerb(t)
	datadriven.RunTest(t, "testdata/functions.txt", func(t *testing.T, d *datadriven.TestData) string {
		var verb, less string
		var most int
		d.ScanArgs(t, "verb", &verb)
		d.ScanArgs(t, "most", &most)
		n := counts[verb]
		if d.MaybeScanArgs(t, "less", &less) {
			n -= counts[less]
		}
		t.Logf("%s: %d functions, of at most %d", verb, n, most)
		switch {
		case counts[verb] == 0:
			return "none: is the verb in testdata/functions/main.go?\n"
		case n > most:
			return fmt.Sprintf("%d, which is more than %d; keep what does not touch an element for each of them on the untyped side\n", n, most)
		case n < most*9/10:
			return fmt.Sprintf("%d, which is far fewer than %d; lower the table\n", n, most)
		}
		return "ok\n"
	})
}

// functionsByVerb builds testdata/functions, and counts the functions whose names have
// a field of a verb's types.
func functionsByVerb(t *testing.T) map[string]int {
	program := filepath.Join(t.TempDir(), "functions")
	goTool(t, "build", "-o", program, "./testdata/functions")
	field := regexp.MustCompile(`\b(\w+)(?:K|V|L|R|S|T|O|Key|Value|Left|Right|Side|To|Out)\b`)
	counts := map[string]int{}
	for line := range strings.Lines(goTool(t, "tool", "nm", program)) {
		parts := strings.SplitN(strings.TrimSpace(line), " ", 3)
		if len(parts) < 3 || !strings.EqualFold(parts[1], "t") {
			continue
		}
		verbs := map[string]bool{}
		for _, m := range field.FindAllStringSubmatch(parts[2], -1) {
			verbs[m[1]] = true
		}
		for verb := range verbs {
			counts[verb]++
		}
	}
	return counts
}

func goTool(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, &stderr)
	}
	return string(out)
}
