package millrace

import (
	"bytes"
	"flag"
	"strings"
	"testing"

	"github.com/millrace/millrace/model"
)

// flagsOfMain are the names that -h lists.
func flagsOfMain(t *testing.T) (names []string) {
	t.Helper()
	for line := range strings.Lines(main_(t, sums, nil, "-h").stderr) {
		if name, ok := strings.CutPrefix(line, "  -"); ok {
			names = append(names, strings.Fields(name)[0])
		}
	}
	if len(names) < 10 {
		t.Fatalf("-h lists only %q", names)
	}
	return names
}

func TestAFlagOfTheProgramsThatMainHasToo(t *testing.T) {
	for _, name := range flagsOfMain(t) {
		var stderr bytes.Buffer
		fs := flag.NewFlagSet("prog", flag.ContinueOnError)
		fs.String(name, "", "")
		code := run(sums, fs, nil, nil, &stderr, &stderr)
		want := "the program defines the flag -" + name + ", which millrace.Main has, too; give the program's another name\n"
		if code != ExitUsage || stderr.String() != want {
			t.Errorf("-%s: exit code %d, stderr:\n%s", name, code, stderr.String())
		}
	}
}

func TestAllFlagsThatMainHasTooAreToldAtOnce(t *testing.T) {
	var stderr bytes.Buffer
	fs := flag.NewFlagSet("prog", flag.ContinueOnError)
	fs.String("state-dir", "", "")
	fs.Duration("checkpoint-every", 0, "")
	fs.String("mine", "", "")
	code := run(sums, fs, nil, nil, &stderr, &stderr)
	if got := stderr.String(); code != ExitUsage || strings.Count(got, "\n") != 2 || !strings.Contains(got, "-state-dir") || !strings.Contains(got, "-checkpoint-every") {
		t.Errorf("exit code %d, stderr:\n%s", code, got)
	}
}

// A flag that is defined where the pipeline is built comes too late to be set, and
// clashes with Main's only then.
func TestAFlagOfMainsThatIsDefinedWhereThePipelineIsBuilt(t *testing.T) {
	for _, name := range []string{"state-dir", "checkpoint-every", "explain"} {
		var stderr bytes.Buffer
		fs := flag.NewFlagSet("prog", flag.ContinueOnError)
		fs.SetOutput(&bytes.Buffer{})
		code := run(func(*model.Pipeline) error {
			fs.String(name, "", "")
			return nil
		}, fs, nil, nil, &stderr, &stderr)
		for _, want := range []string{"the program defines the flag -" + name + ", which millrace.Main has, too", "before millrace.Main is called"} {
			if code != ExitUsage || !strings.Contains(stderr.String(), want) {
				t.Errorf("-%s: exit code %d, stderr should have %q:\n%s", name, code, want, stderr.String())
			}
		}
	}
}

func TestOtherPanicsWhereThePipelineIsBuiltStay(t *testing.T) {
	defer func() {
		if v := recover(); v != "no such luck" {
			t.Errorf("the panic is %v", v)
		}
	}()
	main_(t, func(*model.Pipeline) error { panic("no such luck") }, nil)
}
