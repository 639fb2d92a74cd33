package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/testing/nexmark"
)

// asCommand is the variable of the environment that turns the test binary into
// the command itself, since the command starts its own binary for -repeat and
// -compare.
const asCommand = "NEXMARK_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// nexmarkCommand runs the command with the arguments, separated by blanks.
func nexmarkCommand(args string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(strings.Fields(args), &out, &errs)
	return code, out.String(), errs.String()
}

// allowChildren lets the command start the test binary as itself.
func allowChildren(t *testing.T) {
	t.Helper()
	t.Setenv(asCommand, "1")
	t.Setenv("GORACE", "atexit_sleep_ms=0") // else each child ends with a second's sleep under -race
}

// withRunner adds a runner for the time of the test.
func withRunner(t *testing.T, name string, r Runner) {
	t.Helper()
	runners[name] = r
	t.Cleanup(func() { delete(runners, name) })
}

// jsonFields are the fields of a run's report, all of which are always there.
var jsonFields = []string{
	"checkpoint_pause_ms_max", "checkpoints", "cpu_seconds", "events", "events_per_cpu_second", "events_per_second",
	"max_rss_bytes", "oracle", "query", "result_checksum", "runner", "state_bytes", "wall_seconds",
}

func TestJSON(t *testing.T) {
	for query, checksum := range map[string]string{
		"q1": "count=92000 sum=4187291012487",
		"q5": "count=9 sumCount=7280 sumAuction=33300",
		"q8": "count=6000 sumId=11229815",
	} {
		code, stdout, stderr := nexmarkCommand("-query " + query + " -events 100000 -runner loop -json")
		if code != exitOK || stderr != "" {
			t.Fatalf("%s: exit code %d, %s", query, code, stderr)
		}
		var got map[string]any
		if err := json.Unmarshal([]byte(stdout), &got); err != nil {
			t.Fatalf("%s: not one JSON object: %v\n%s", query, err, stdout)
		}
		var fields []string
		for name := range got {
			fields = append(fields, name)
		}
		slices.Sort(fields)
		if !slices.Equal(fields, jsonFields) {
			t.Errorf("%s: got fields %v, want %v", query, fields, jsonFields)
		}
		for name, want := range map[string]any{
			"query":           query,
			"runner":          "loop",
			"events":          100_000.0,
			"result_checksum": checksum,
			"oracle":          "equal",
		} {
			if got[name] != want {
				t.Errorf("%s: %s is %v, want %v", query, name, got[name], want)
			}
		}
		for _, name := range []string{"wall_seconds", "cpu_seconds", "events_per_second", "events_per_cpu_second", "max_rss_bytes"} {
			if v, ok := got[name].(float64); !ok || v <= 0 {
				t.Errorf("%s: %s is %v, want a positive number", query, name, got[name])
			}
		}
	}
}

func TestStateInPebble(t *testing.T) {
	for _, query := range []string{"q1", "q5", "q8"} {
		code, stdout, stderr := nexmarkCommand("-query " + query + " -events 300000 -runner direct -state pebble -checkpoint 1ms -json")
		if code != exitOK {
			t.Fatalf("%s: exit code %d, %s", query, code, stderr)
		}
		var got report
		if err := json.Unmarshal([]byte(stdout), &got); err != nil {
			t.Fatal(err)
		}
		if got.Oracle != equal || got.Checkpoints < 1 || got.StateBytes <= 0 {
			t.Errorf("%s: got %+v", query, got)
		}
	}
}

func TestTable(t *testing.T) {
	code, stdout, stderr := nexmarkCommand("-query q8 -events 100000 -runner loop")
	if code != exitOK || stderr != "" {
		t.Fatalf("exit code %d, %s", code, stderr)
	}
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], "query") ||
		!strings.HasSuffix(lines[1], "equal   count=6000 sumId=11229815") {
		t.Errorf("got\n%s", stdout)
	}
}

func TestUncheckedOnRequest(t *testing.T) {
	code, stdout, _ := nexmarkCommand("-query q1 -events 1000 -runner loop -json -check=false")
	if code != exitOK || !strings.Contains(stdout, `"oracle":"unchecked"`) {
		t.Errorf("exit code %d, %s", code, stdout)
	}
}

func TestDifferentResultFails(t *testing.T) {
	withRunner(t, "broken", func(_ context.Context, q nexmark.Query, c nexmark.Config) (nexmark.Result, error) {
		return nexmark.Result{Query: q, Count: c.Events}, nil
	})
	code, stdout, stderr := nexmarkCommand("-query q8 -events 1000 -runner broken -json")
	if code != exitFailed || !strings.Contains(stdout, `"oracle":"different"`) ||
		!strings.Contains(stderr, "q8 on broken: the result differs from the oracle's: count=1000 sumId=0") {
		t.Errorf("exit code %d\n%s\n%s", code, stdout, stderr)
	}
}

func TestFailingRunner(t *testing.T) {
	withRunner(t, "failing", func(context.Context, nexmark.Query, nexmark.Config) (nexmark.Result, error) {
		return nexmark.Result{}, errors.New("no luck today")
	})
	code, stdout, stderr := nexmarkCommand("-query q1 -events 1000 -runner failing -json")
	if code != exitFailed || stdout != "" || stderr != "nexmark: q1 on failing: no luck today\n" {
		t.Errorf("exit code %d\n%s\n%s", code, stdout, stderr)
	}
}

func TestUsageErrors(t *testing.T) {
	for args, want := range map[string]string{
		"-query q9":                    `-query: unknown query "q9", allowed: q1, q5, q8`,
		"-runner flink":                `-runner: unknown runner "flink", allowed: ` + runnerNames(),
		"-runner loop -compare x":      `-compare: unknown runner "x", allowed: ` + runnerNames(),
		"-runner loop -events 0":       "-events: 0, allowed: 1 or more",
		"-runner loop -events many":    `invalid value "many" for flag -events`,
		"-runner loop -parallelism 0":  "-parallelism: 0, allowed: 1 or more",
		"-state disk":                  `-state: "disk", allowed: mem, pebble`,
		"-state-dir x":                 "-state-dir is for -state pebble",
		"-state pebble -checkpoint 0s": "-checkpoint: 0s, allowed: 1ms or more",
		"-runner loop -repeat 0":       "-repeat: 0, allowed: 1 or more",
		"-compare-parallelism 1":       "-compare-parallelism is for -compare",
		"-runner loop -compare loop -compare-parallelism -1": "-compare-parallelism: -1, allowed: 0 or more",
		"-runner loop -compare loop -rounds 0":               "-rounds: 0, allowed: 1 or more",
		"-runner loop -compare loop -repeat 2":               "-repeat does not go with -compare",
		"-runner loop -repeat 2 -cpuprofile x":               "-cpuprofile and -memprofile are for a single run",
		"-runner loop -compare loop -memprofile x":           "-cpuprofile and -memprofile are for a single run",
		"-runner loop q5":                                    `unexpected argument "q5"`,
		"-speed 3":                                           "flag provided but not defined: -speed",
	} {
		code, stdout, stderr := nexmarkCommand(args)
		if code != exitUsage || stdout != "" || strings.Count(stderr, want) != 1 {
			t.Errorf("%s: exit code %d, %s%s\nwant %s", args, code, stdout, stderr, want)
		}
	}
}

func TestHelp(t *testing.T) {
	code, _, stderr := nexmarkCommand("-h")
	if code != exitOK || !strings.Contains(stderr, "-query") || !strings.Contains(stderr, runnerNames()) {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}

func TestProfiles(t *testing.T) {
	dir := t.TempDir()
	cpu, mem := filepath.Join(dir, "cpu"), filepath.Join(dir, "mem")
	code, _, stderr := nexmarkCommand("-query q5 -events 100000 -runner loop -cpuprofile " + cpu + " -memprofile " + mem)
	if code != exitOK {
		t.Fatalf("exit code %d, %s", code, stderr)
	}
	for _, name := range []string{cpu, mem} {
		if info, err := os.Stat(name); err != nil || info.Size() == 0 {
			t.Errorf("%s is empty: %v", name, err)
		}
	}
	for _, name := range []string{"-cpuprofile ", "-memprofile "} {
		code, _, stderr := nexmarkCommand("-query q1 -events 1000 -runner loop " + name + filepath.Join(dir, "none", "file"))
		if code != exitFailed || !strings.Contains(stderr, strings.TrimSpace(name)) {
			t.Errorf("%s: exit code %d, %s", name, code, stderr)
		}
	}
}

func TestRepeat(t *testing.T) {
	allowChildren(t)
	code, stdout, stderr := nexmarkCommand("-query q8 -events 100000 -runner loop -repeat 3 -json")
	if code != exitOK {
		t.Fatalf("exit code %d, %s", code, stderr)
	}
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	if len(lines) != 3 {
		t.Fatalf("got %d lines, want 3\n%s", len(lines), stdout)
	}
	for _, line := range lines {
		var r report
		if err := json.Unmarshal([]byte(line), &r); err != nil || r.Oracle != equal {
			t.Errorf("%v: %s", err, line)
		}
	}
}

func TestCompare(t *testing.T) {
	allowChildren(t)
	code, stdout, stderr := nexmarkCommand("-query q5 -events 200000 -runner loop -compare loop -rounds 3 -json")
	if code != exitOK {
		t.Fatalf("exit code %d, %s", code, stderr)
	}
	var c comparison
	if err := json.Unmarshal([]byte(stdout), &c); err != nil {
		t.Fatalf("%v\n%s", err, stdout)
	}
	if c.Query != nexmark.Q5 || c.Events != 200_000 || c.Runner != "loop" || c.Compare != "loop" ||
		len(c.Ratios) != 3 || len(c.Runs) != 6 || c.RatioMin <= 0 || c.RatioMin > c.RatioMedian || c.RatioMedian > c.RatioMax {
		t.Errorf("got %+v", c)
	}
	for _, r := range c.Runs {
		if r.Oracle != equal {
			t.Errorf("got %+v", r)
		}
	}

	code, stdout, stderr = nexmarkCommand("-query q5 -events 200000 -runner loop -compare loop -rounds 1")
	if code != exitOK || !strings.Contains(stdout, "loop / loop, events per CPU-second: median ") {
		t.Errorf("exit code %d\n%s\n%s", code, stdout, stderr)
	}
}

// A runner that the child does not have shows how a failing child is told of.
func TestFailingChild(t *testing.T) {
	allowChildren(t)
	withRunner(t, "parentonly", func(context.Context, nexmark.Query, nexmark.Config) (nexmark.Result, error) {
		panic("not run in this process")
	})
	code, stdout, stderr := nexmarkCommand("-query q5 -events 1000 -runner parentonly -repeat 2")
	if code != exitFailed || stdout != "" || !strings.Contains(stderr, `q5 on parentonly: exit status 2: nexmark: -runner: unknown runner`) {
		t.Errorf("exit code %d\n%s\n%s", code, stdout, stderr)
	}
}

func TestRatios(t *testing.T) {
	c := comparison{}
	for _, pair := range [][2]float64{{1, 2}, {6, 2}, {3, 4}, {2, 2}} {
		c.Runs = append(c.Runs, report{EventsPerCPUSecond: pair[0]}, report{EventsPerCPUSecond: pair[1]})
	}
	if err := c.computeRatios(); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.Ratios, []float64{0.5, 3, 0.75, 1}) || c.RatioMedian != 0.875 || c.RatioMin != 0.5 || c.RatioMax != 3 {
		t.Errorf("got %+v", c)
	}
	c = comparison{Runs: reports{{EventsPerCPUSecond: 1}, {}}}
	if err := c.computeRatios(); err == nil {
		t.Error("no error for a run without CPU time")
	}
}
