package transforms_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
)

// TestMistakes builds pipelines with mistakes in them and prints what they say. A
// command is a scenario, found by its words in the map named like the file. LINE
// is the scenario's first line in the source, LINE+1 the next.
func TestMistakes(t *testing.T) {
	for topic, scenarios := range map[string]map[string]func(*model.Pipeline){
		"functions": functionMistakes,
		"keys":      keyMistakes,
		"values":    valueMistakes,
		"windows":   windowMistakes,
		"graph":     graphMistakes,
	} {
		t.Run(topic, func(t *testing.T) {
			told := map[string]bool{}
			datadriven.RunTest(t, "testdata/mistakes/"+topic, func(t *testing.T, d *datadriven.TestData) string {
				name := words(d)
				build, ok := scenarios[name]
				if !ok {
					d.Fatalf(t, "no scenario %q", name)
				}
				told[name] = true
				return mistakes(t, build)
			})
			for name := range scenarios {
				if !told[name] {
					t.Errorf("testdata/mistakes/%s does not tell %q", topic, name)
				}
			}
		})
	}
}

func words(d *datadriven.TestData) string {
	out := []string{d.Cmd}
	for _, a := range d.CmdArgs {
		out = append(out, a.Key)
	}
	return strings.Join(out, " ")
}

// mistakes builds a pipeline that also has a source and a side effect without any
// mistake, tries to run it, and returns what its error says.
func mistakes(t *testing.T, build func(*model.Pipeline)) string {
	t.Helper()
	var p model.Pipeline
	transforms.ForEach(transforms.Create(&p, 1), func(context.Context, transforms.Element[int]) error {
		t.Error("the pipeline started")
		return nil
	}, model.Name("side effect"))
	build(&p)

	err := direct.Run(context.Background(), &p)
	if err == nil {
		return "ok"
	}
	if err.Error() != p.Err().Error() {
		t.Errorf("the run says something else than the pipeline: %v", err)
	}
	var e *model.BuildError
	if !errors.As(err, &e) {
		t.Errorf("%T is no BuildError", err)
	}
	return relative(err.Error(), build)
}

// relative tells the lines of the source as the scenario counts them.
func relative(told string, build func(*model.Pipeline)) string {
	file, first := runtime.FuncForPC(reflect.ValueOf(build).Pointer()).FileLine(reflect.ValueOf(build).Pointer())
	file = file[strings.LastIndexByte(file, '/')+1:]
	return userLine.ReplaceAllStringFunc(told, func(site string) string {
		var line int
		if _, err := fmt.Sscanf(site, file+":%d", &line); err != nil {
			return site
		}
		if line == first {
			return "LINE"
		}
		return fmt.Sprintf("LINE%+d", line-first)
	})
}

// used builds on c: what depends on a mistake must not be reported, too. It is
// made of verbs that are quick to compile for many types.
func used[T any](c model.PCollection[T]) {
	transforms.ForEach(transforms.Filter(c, nil), nil)
}

func TestMistakesAreAllToldAtOnce(t *testing.T) {
	var p model.Pipeline
	numbers := transforms.Create(&p, 1, 2)
	transforms.Map(numbers, (func(int) int)(nil))
	transforms.Partition(numbers, 0, func(int) int { return 0 })
	if got := len(strings.Split(p.Err().Error(), "\n")); got != 2 {
		t.Errorf("%d mistakes are told, want 2:\n%v", got, p.Err())
	}
}

func TestMistakeInsideACompositeIsAtTheLineThatMadeIt(t *testing.T) {
	var p model.Pipeline
	clean := func(c model.PCollection[int]) model.PCollection[int] {
		return transforms.Composite("clean", c, func(c model.PCollection[int]) model.PCollection[int] {
			return transforms.Filter(c, nil)
		})
	}
	used(clean(transforms.Create(&p, 1)))
	_, got, _ := strings.Cut(p.Err().Error(), ": ")
	if want := "clean/Filter: the function is nil"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSourceOfAMistakenPipelineIsNotRead(t *testing.T) {
	var p model.Pipeline
	transforms.Read(&p, faultySource{onSplits: func() { t.Error("the source was asked for its splits") }})
	transforms.Write(annsOrder(&p), faultySink{onOpen: func() { t.Error("the sink was opened") }})
	transforms.Filter(annsOrder(&p), nil)
	if err := direct.Run(context.Background(), &p); err == nil {
		t.Error("it ran")
	}
}

func TestZeroPCollectionPanics(t *testing.T) {
	var none model.PCollection[int]
	for name, use := range map[string]func(){
		"Map":             func() { transforms.Map(none, func(n int) int { return n }) },
		"Count":           func() { transforms.Count(none) },
		"Flatten":         func() { transforms.Flatten(none) },
		"Flatten, second": func() { transforms.Flatten(transforms.Create(&model.Pipeline{}, 1), none) },
		"Flatten of none": func() { transforms.Map(transforms.Flatten[int](), func(n int) int { return n }) },
		"Collect":         func() { _, _ = direct.Collect(context.Background(), none) },
		"Want":            func() { streamtest.Want(t, none) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				const want = "use of a PCollection that no pipeline made"
				if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
					t.Errorf("panic: %s; want %s", got, want)
				}
			}()
			use()
		})
	}
}

func TestFlattenOfNothingThatNobodyUsesIsFine(t *testing.T) {
	var p model.Pipeline
	_ = transforms.Flatten[int]()
	got, err := direct.Collect(context.Background(), transforms.Create(&p, 1))
	if err != nil || !slices.Equal(got, []int{1}) {
		t.Errorf("got %v, %v", got, err)
	}
}
