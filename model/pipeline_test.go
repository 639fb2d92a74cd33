package model_test

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/transforms"
)

// Verbs as small as they can be. They are in a test, and so a user's as far as
// the pipeline can tell: mistakes are made with those of the library instead.

func read(p *model.Pipeline, opts ...model.Option) model.PCollection[int] {
	return model.Add1[int](p, model.Definition{Kind: "Read", Class: model.Source, Options: opts})
}

func mapped(c model.PCollection[int], opts ...model.Option) model.PCollection[int] {
	return model.Add1[int](c.Pipeline(), model.Definition{Kind: "Map", Class: model.Fused, Inputs: []model.Input{c}, Options: opts})
}

func zipped(a, b model.PCollection[int]) model.PCollection[int] {
	return model.Add1[int](a.Pipeline(), model.Definition{Kind: "Zip", Class: model.Exchange, Inputs: []model.Input{a, b}})
}

func double(n int) int { return 2 * n }

var nilFunction func(int) int

// never is a WindowFn that is always wrong.
type never struct{ model.WindowFn }

var errNever = errors.New("never is no way to cut time")

func (never) Validate() error { return errNever }

func names(p *model.Pipeline) []string {
	var out []string
	for _, n := range p.Nodes() {
		out = append(out, n.Name)
	}
	return out
}

func wantNames(t *testing.T, p *model.Pipeline, want ...string) {
	t.Helper()
	if got := names(p); !slices.Equal(got, want) {
		t.Errorf("transforms are named %q, want %q", got, want)
	}
}

// wantMistakes checks what is wrong with the pipeline, line by line.
func wantMistakes(t *testing.T, p *model.Pipeline, want ...string) {
	t.Helper()
	var got []string
	if err := p.Err(); err != nil {
		got = strings.Split(err.Error(), "\n")
	}
	if !slices.Equal(got, want) {
		t.Errorf("mistakes:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// below is the line n lines below the one that calls it.
func below(n int) string {
	_, file, line, _ := runtime.Caller(1)
	return fmt.Sprintf("%s:%d", file[strings.LastIndexByte(file, '/')+1:], line+n)
}

func TestEmptyPipelineIsSound(t *testing.T) {
	var p model.Pipeline
	if err := p.Err(); err != nil {
		t.Error(err)
	}
	if len(p.Nodes()) != 0 || len(p.Collections()) != 0 {
		t.Error("the zero Pipeline is not empty")
	}
}

func TestGraphIsListedInTheOrderOfBuilding(t *testing.T) {
	var p model.Pipeline
	a := read(&p)
	b := mapped(a)
	c := zipped(a, b)

	wantNames(t, &p, "Read", "Map", "Zip")
	for i, n := range p.Nodes() {
		if n.ID != i {
			t.Errorf("%s has ID %d, want %d", n.Name, n.ID, i)
		}
	}
	zip := p.Nodes()[2]
	if !slices.Equal(zip.Inputs, []*model.Collection{a.Collection(), b.Collection()}) {
		t.Error("Zip does not read what it was given")
	}
	if got, want := a.Collection().Consumers, []model.Consumer{{Node: p.Nodes()[1]}, {Node: zip}}; !slices.Equal(got, want) {
		t.Errorf("Read's consumers are %v, want %v", got, want)
	}
	if got, want := b.Collection().Consumers, []model.Consumer{{Node: zip, Port: 1}}; !slices.Equal(got, want) {
		t.Errorf("Map's consumers are %v, want %v", got, want)
	}
	if c.Collection().Producer != zip || c.Collection().Type != reflect.TypeFor[int]() {
		t.Errorf("Zip's output is %+v", c.Collection())
	}
}

func TestCollectionsInheritTheWindowsOfTheFirstInput(t *testing.T) {
	var p model.Pipeline
	plain := read(&p)
	line := below(1)
	cut := model.Add1[int](&p, model.Definition{
		Kind: "Window", Inputs: []model.Input{plain},
		Windowing: &model.Windowing{Strategy: model.WindowingStrategy{Windows: every(60)}},
	})
	after := mapped(cut).Collection().Windowing
	if after.Strategy.Windows != model.WindowFn(every(60)) || after.Site.String() != line {
		t.Errorf("behind Window there are %v set at %v, want those set at %v", after.Strategy, after.Site, line)
	}
	if before := plain.Collection().Windowing; before.Strategy.Windows != nil {
		t.Errorf("before Window there are %v", before.Strategy)
	}
}

func TestUnboundednessIsCatching(t *testing.T) {
	var p model.Pipeline
	bounded := read(&p)
	endless := model.Add1[int](&p, model.Definition{Kind: "Read", Class: model.Source, Unbounded: true})
	if mapped(bounded).Collection().Unbounded {
		t.Error("what comes of a bounded input is unbounded")
	}
	if !zipped(bounded, mapped(endless)).Collection().Unbounded {
		t.Error("what comes of an unbounded input is bounded")
	}
}

func TestDefaultNamesCount(t *testing.T) {
	var p model.Pipeline
	a := read(&p)
	mapped(mapped(mapped(a)))
	wantNames(t, &p, "Read", "Map", "Map#2", "Map#3")
}

func TestDefaultNamesAvoidGivenOnes(t *testing.T) {
	var p model.Pipeline
	a := read(&p, model.Name("Map"))
	mapped(a)
	wantNames(t, &p, "Map", "Map#2")
}

func TestScopePrefixesNames(t *testing.T) {
	var p model.Pipeline
	a := read(&p)
	p.InScope("clean", func() {
		b := mapped(a, model.Name("trim"))
		p.InScope("deep", func() { mapped(mapped(b)) })
		mapped(b)
	})
	mapped(a)
	wantNames(t, &p, "Read", "clean/trim", "clean/deep/Map", "clean/deep/Map#2", "clean/Map", "Map")
}

func TestScopeNamesCountWhereTheyAreTaken(t *testing.T) {
	var p model.Pipeline
	a := read(&p)
	for range 2 {
		p.InScope(p.ScopeName("Count", nil), func() { mapped(a) })
	}
	p.InScope(p.ScopeName("Count", []model.Option{model.Name("daily/visits")}), func() { mapped(a) })
	p.InScope("clean", func() {
		p.InScope(p.ScopeName("Count", nil), func() { mapped(a) })
	})
	wantNames(t, &p, "Read", "Count/Map", "Count#2/Map", "daily/visits/Map", "clean/Count/Map")
	wantMistakes(t, &p)
}

func TestGivenNamesMustDiffer(t *testing.T) {
	var p model.Pipeline
	a := read(&p)
	first, second, third := below(1), below(2), below(4)
	transforms.Map(a, double, model.Name("total"))
	transforms.Map(a, double, model.Name("total"))
	p.InScope("eu", func() { transforms.Map(a, double, model.Name("total")) })
	p.ScopeName("Count", []model.Option{model.Name("total")})

	wantNames(t, &p, "Read", "total", "eu/total")
	wantMistakes(t, &p,
		second+`: total: the name "total" is taken by the transform at `+first+"; names key persisted state, so give one of them another with model.Name",
		third+`: total: the name "total" is taken by the transform at `+first+"; names key persisted state, so give one of them another with model.Name")
}

func TestMistakeIsReportedOnceAtItsLine(t *testing.T) {
	var p model.Pipeline
	a := read(&p)
	line := below(1)
	bad := transforms.Map(a, nilFunction)
	mapped(mapped(bad))
	zipped(a, bad)
	transforms.Map(bad, nilFunction) // built on a mistake

	wantMistakes(t, &p, line+": Map: the function is nil")
	wantNames(t, &p, "Read")
	if bad.Collection() != nil {
		t.Error("the mistake has a collection")
	}
}

func TestMistakesAreCollected(t *testing.T) {
	var p model.Pipeline
	a := read(&p)
	first, second := below(1), below(2)
	transforms.Map(a, nilFunction)
	transforms.Partition(mapped(a), 0, nilFunction)

	wantMistakes(t, &p,
		first+": Map: the function is nil",
		second+": Partition: 0 parts were asked for; it needs at least 1",
		"\tthe function is nil")
	wantNames(t, &p, "Read", "Map#2")
}

func TestMistakeCanBeTakenApart(t *testing.T) {
	var p model.Pipeline
	line := below(1)
	transforms.Window(read(&p), model.WindowingStrategy{Windows: never{}})

	var e *model.BuildError
	if !errors.As(p.Err(), &e) {
		t.Fatalf("%v holds no BuildError", p.Err())
	}
	if e.Transform != "Window" || e.Site.String() != line {
		t.Errorf("got %s at %v, want Window at %v", e.Transform, e.Site, line)
	}
	if !errors.Is(p.Err(), errNever) {
		t.Error("the cause is lost")
	}
}

func TestInputsMustBeOfOnePipeline(t *testing.T) {
	var p, q model.Pipeline
	a, b := read(&p), read(&q)
	line := below(1)
	transforms.Flatten(a, b)

	// Whichever of them is run, it must not start.
	mistake := line + ": Flatten: inputs belong to different pipelines; build both from the same model.Pipeline"
	wantMistakes(t, &p, mistake)
	wantMistakes(t, &q, mistake)
}

func TestZeroPCollectionPanicsClearly(t *testing.T) {
	defer func() {
		got := fmt.Sprint(recover())
		want := "millrace: use of a PCollection that no pipeline made: it is the zero value, or a Flatten of nothing; take it from a transform such as transforms.Create"
		if got != want {
			t.Errorf("panic: %s\nwant:  %s", got, want)
		}
	}()
	var none model.PCollection[int]
	mapped(none)
}

func TestOptionsAreAppliedInOrder(t *testing.T) {
	var p model.Pipeline
	read(&p, model.Name("first"), model.Name("second"))
	wantNames(t, &p, "second")
}
