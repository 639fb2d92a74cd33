package scenarios_test

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/triggers"
)

// parseTrigger reads a trigger as it prints itself.
func parseTrigger(s string) (model.Trigger, error) {
	name, args, err := call(s)
	if err != nil {
		return nil, err
	}
	switch name {
	case "count":
		n, err := strconv.ParseInt(only(args), 10, 64)
		return triggers.AfterCount{N: n}, err
	case "processing-time":
		return parseProcessingTime(args)
	case "quiet":
		gap, err := time.ParseDuration(only(args))
		return Quiet{Gap: gap}, err
	case "watermark":
		return parseWatermark(args)
	case "default", "never", "always", "synchronized-processing-time":
		if len(args) > 0 {
			return nil, fmt.Errorf("the trigger %s takes nothing", name)
		}
		return map[string]model.Trigger{
			"default":                      triggers.Default{},
			"never":                        triggers.Never{},
			"always":                       triggers.Always{},
			"synchronized-processing-time": triggers.AfterSynchronizedProcessingTime{},
		}[name], nil
	}
	var parts []model.Trigger
	for _, a := range args {
		p, err := parseTrigger(a)
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	switch {
	case name == "all":
		return triggers.AfterAll(parts), nil
	case name == "any":
		return triggers.AfterAny(parts), nil
	case name == "each":
		return triggers.AfterEach(parts), nil
	case name == "repeatedly" && len(parts) == 1:
		return triggers.Repeatedly{Trigger: parts[0]}, nil
	case name == "or-finally" && len(parts) == 2:
		return triggers.OrFinally{Main: parts[0], Until: parts[1]}, nil
	}
	return nil, fmt.Errorf("no trigger reads %q", s)
}

// call takes name(a, b(c, d)) apart.
func call(s string) (name string, args []string, err error) {
	name, rest, found := strings.Cut(s, "(")
	if !found {
		return s, nil, nil
	}
	rest, closed := strings.CutSuffix(rest, ")")
	depth, start := 0, 0
	for i, r := range rest {
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				args = append(args, strings.TrimSpace(rest[start:i]))
				start = i + 1
			}
		}
	}
	if !closed || depth != 0 {
		return "", nil, fmt.Errorf("brackets of %q do not match", s)
	}
	if last := strings.TrimSpace(rest[start:]); last != "" {
		args = append(args, last)
	}
	return name, args, nil
}

func only(args []string) string { return strings.Join(args, ", ") }

func parseProcessingTime(args []string) (t triggers.AfterProcessingTime, err error) {
	if len(args) == 0 || len(args) > 2 {
		return t, fmt.Errorf("processing-time(%s) needs a delay", only(args))
	}
	if t.Delay, err = time.ParseDuration(args[0]); err != nil || len(args) == 1 {
		return t, err
	}
	every, found := strings.CutPrefix(args[1], "align ")
	if !found {
		return t, fmt.Errorf("processing-time(%s): %q is not understood", only(args), args[1])
	}
	t.Align, err = time.ParseDuration(every)
	return t, err
}

func parseWatermark(args []string) (t triggers.AfterWatermark, err error) {
	for _, a := range args {
		which, rest, _ := strings.Cut(a, " ")
		part, err := parseTrigger(rest)
		if err != nil {
			return t, err
		}
		switch which {
		case "early":
			t.Early = part
		case "late":
			t.Late = part
		default:
			return t, fmt.Errorf("watermark(%s): %q is neither early nor late", only(args), a)
		}
	}
	return t, nil
}

func TestTriggersAreReadAsTheyPrint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawTrigger(t, 3)
		got, err := parseTrigger(want.String())
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(want, got) {
			t.Fatalf("%v is read as %v", want, got)
		}
	})
}

func TestTriggersThatAreNoneAreRefused(t *testing.T) {
	for _, s := range []string{"", "often", "count", "count()", "count(x)", "all(count(1)", "default(1)", "repeatedly()", "or-finally(never)", "watermark(soon always)", "processing-time()", "processing-time(1m, at 5)"} {
		if got, err := parseTrigger(s); err == nil {
			t.Errorf("%q is read as %v", s, got)
		}
	}
}

func drawTrigger(t *rapid.T, depth int) model.Trigger {
	kinds := 11
	if depth == 0 {
		kinds = 5
	}
	n := int64(rapid.IntRange(1, 9).Draw(t, "n"))
	parts := func() (list []model.Trigger) {
		for range n%3 + 1 {
			list = append(list, drawTrigger(t, depth-1))
		}
		return list
	}
	switch rapid.IntRange(0, kinds).Draw(t, "kind") {
	case 0:
		return triggers.Default{}
	case 1:
		return triggers.Never{}
	case 2:
		return triggers.Always{}
	case 3:
		return triggers.AfterCount{N: n}
	case 4:
		return triggers.AfterSynchronizedProcessingTime{}
	case 5:
		align := rapid.SampledFrom([]time.Duration{0, time.Microsecond, time.Minute, 90 * time.Minute}).Draw(t, "align")
		return triggers.AfterProcessingTime{Delay: time.Duration(n) * time.Second, Align: align}
	case 6:
		return triggers.Repeatedly{Trigger: drawTrigger(t, depth-1)}
	case 7:
		return triggers.AfterAll(parts())
	case 8:
		return triggers.AfterAny(parts())
	case 9:
		return triggers.AfterEach(parts())
	case 10:
		return triggers.OrFinally{Main: drawTrigger(t, depth-1), Until: drawTrigger(t, depth-1)}
	}
	var w triggers.AfterWatermark
	if n%2 == 0 {
		w.Early = drawTrigger(t, depth-1)
	}
	if n%3 == 0 {
		w.Late = drawTrigger(t, depth-1)
	}
	return w
}
