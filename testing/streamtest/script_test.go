package streamtest_test

import (
	"slices"
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
)

func TestInputsOfAScriptPlayInTheOrderWritten(t *testing.T) {
	var p model.Pipeline
	s := streamtest.NewScript(&p)
	clicks := streamtest.Input[string](s, "clicks")
	views := streamtest.Input[string](s, "views")
	views.Add(0, "view 1")                   // step 1
	views.Add(0, "view 2")                   // step 2
	clicks.Add(0, "click 1")                 // step 3
	s.Elapse(time.Hour)                      // step 4
	s.Watermark(60 * second)                 // step 5
	views.Add(0, "view 3")                   // step 6
	clicks.Add(0, "click 2").Add(0, "click") // steps 7 and 8
	s.End()
	all := streamtest.Capture(transforms.Flatten(clicks.Collection(), views.Collection()))
	for _, n := range []int{1, 2, 5} {
		streamtest.Run(t, &p, streamtest.Parallelism(n))
		all.WantPanes(t,
			streamtest.Unfired(model.GlobalWindow, "view 1").AtStep(1),
			streamtest.Unfired(model.GlobalWindow, "view 2").AtStep(2),
			streamtest.Unfired(model.GlobalWindow, "click 1").AtStep(3),
			streamtest.Unfired(model.GlobalWindow, "view 3").AtStep(6),
			streamtest.Unfired(model.GlobalWindow, "click 2").AtStep(7),
			streamtest.Unfired(model.GlobalWindow, "click").AtStep(8))
	}
}

func TestInputsOfAScriptHaveWatermarksOfTheirOwn(t *testing.T) {
	var p model.Pipeline
	s := streamtest.NewScript(&p)
	clicks := streamtest.Input[string](s, "clicks")
	views := streamtest.Input[string](s, "views")
	clicks.Add(10*second, "a")    // step 1
	clicks.Watermark(60 * second) // step 2
	views.Add(20*second, "a")     // step 3
	clicks.Add(30*second, "a")    // step 4: late by itself, but not by both
	s.Watermark(60 * second)      // step 5
	s.End()
	each := minutes(time.Minute, model.Accumulating)
	alone := streamtest.Capture(count(clicks.Collection(), each))
	both := streamtest.Capture(count(transforms.Flatten(clicks.Collection(), views.Collection()), each))
	streamtest.Run(t, &p)
	alone.WantPanes(t,
		streamtest.OnTime(between(0, 60), of("a", 1)).AtStep(2),
		streamtest.Late(between(0, 60), of("a", 2)).AtStep(4))
	both.WantPanes(t, streamtest.OnTime(between(0, 60), of("a", 3)).AtStep(5))
}

func TestInputThatEndsBeforeTheOthers(t *testing.T) {
	var p model.Pipeline
	s := streamtest.NewScript(&p)
	table := streamtest.Input[string](s, "table").Bounded()
	clicks := streamtest.Input[string](s, "clicks")
	table.Add(0, "a", "a", "b") // step 1
	rows := table.End()         // step 2
	clicks.Add(10*second, "c")  // step 3
	s.Elapse(time.Minute)       // step 4
	s.Watermark(60 * second)    // step 5: of clicks alone
	clicks.Add(70*second, "c")  // step 6
	s.End()                     // step 7
	s2 := count(clicks.Collection(), minutes(0, 0))
	counts := streamtest.Capture(transforms.Count(rows))
	perMinute := streamtest.Capture(s2)
	streamtest.Run(t, &p)
	counts.WantPanes(t, streamtest.OnTime(model.GlobalWindow, of("a", 2), of("b", 1)).AtStep(2))
	perMinute.WantPanes(t,
		streamtest.OnTime(between(0, 60), of("c", 1)).AtStep(5),
		streamtest.OnTime(between(60, 120), of("c", 1)).AtStep(7))
}

// The author decides which of two inputs' elements a trigger sees first, which
// streams that take turns cannot say.
func TestOrderAcrossInputsDecidesWhatAPaneHolds(t *testing.T) {
	for _, viewsFirst := range []bool{false, true} {
		var p model.Pipeline
		s := streamtest.NewScript(&p)
		clicks := streamtest.Input[string](s, "clicks")
		views := streamtest.Input[string](s, "views")
		clicks.Add(0, "a")
		if viewsFirst {
			views.Add(0, "a")
			s.Elapse(10 * time.Second)
		} else {
			s.Elapse(10 * time.Second)
			views.Add(0, "a")
		}
		s.End()
		counts := count(transforms.Flatten(clicks.Collection(), views.Collection()), early(10*time.Second))
		want := of("a", 1)
		if viewsFirst {
			want = of("a", 2)
		}
		streamtest.WantEarly(t, counts, between(0, 60), want)
	}
}

func TestScriptsAndStreamsOfOnePipelineTakeTurns(t *testing.T) {
	var p model.Pipeline
	s := streamtest.NewScript(&p)
	a := streamtest.Input[string](s, "a")
	b := streamtest.Input[string](s, "b")
	late := a.Collection() // before a step of it is written
	a.Add(0, "a1")         // step 1
	b.Add(0, "b1")         // step 3
	a.Add(0, "a2")         // step 5
	s.Elapse(time.Second)  // step 6
	s.End()
	other := streamtest.NewStream[string](&p).
		Add(0, "c1"). // step 2
		Add(0, "c2"). // step 4
		End()
	all := streamtest.Capture(transforms.Flatten(late, b.Collection(), other))
	streamtest.Run(t, &p)
	var got []int
	for _, v := range []string{"a1", "b1", "a2", "c1", "c2"} {
		for _, e := range all.Elements() {
			if e.Value == v {
				got = append(got, e.Step)
			}
		}
	}
	if want := []int{1, 3, 5, 2, 4}; !slices.Equal(got, want) {
		t.Errorf("steps %v, want %v", got, want)
	}
}

// An input that nothing reads takes its part in the script.
func TestInputThatIsNotUsed(t *testing.T) {
	var p model.Pipeline
	s := streamtest.NewScript(&p)
	used := streamtest.Input[string](s, "used")
	unused := streamtest.Input[string](s, "unused")
	unused.Add(0, "x")
	used.Add(0, "y")
	s.Watermark(60 * second)
	s.End()
	streamtest.WantPanes(t, used.Collection(), streamtest.Unfired(model.GlobalWindow, "y").AtStep(2))
}

func TestCollectionOfAStream(t *testing.T) {
	var p model.Pipeline
	s := streamtest.NewStream[string](&p).Add(0, "a")
	before := s.Collection()
	if after := s.End(); after != before {
		t.Error("End made another collection than Collection")
	}
	if n := p.Nodes()[0]; n.Detail != "2 steps" {
		t.Errorf("the stream's detail is %q", n.Detail)
	}
	streamtest.Want(t, before, "a")
}

func TestManyInputs(t *testing.T) {
	var p model.Pipeline
	s := streamtest.NewScript(&p)
	var inputs []*streamtest.Stream[int]
	for i := range 20 {
		inputs = append(inputs, streamtest.Input[int](s, string(rune('a'+i))))
	}
	var all []model.PCollection[int]
	sum := 0
	for round := range 30 {
		for i, in := range inputs {
			if (i+round)%3 == 0 {
				in.Add(model.Timestamp(round)*10*second, i+round)
				sum += i + round
			}
		}
		s.Watermark(model.Timestamp(round) * 10 * second)
	}
	s.End()
	for _, in := range inputs {
		all = append(all, in.Collection())
	}
	hour := model.WindowingStrategy{Windows: fixed(time.Hour)}
	streamtest.WantOnTime(t, transforms.CombineGlobally(transforms.Window(transforms.Flatten(all...), hour), transforms.Sum), between(0, 3600), sum)
}
