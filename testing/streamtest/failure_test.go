package streamtest_test

import (
	"context"
	"errors"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/triggers"
)

// failures are tests that fail; testdata/failures holds what they say.
var failures = map[string]func(testing.TB){
	"a wrong count": func(t testing.TB) {
		streamtest.WantPanes(t, story(&model.Pipeline{}),
			streamtest.OnTime(between(0, 60), of("to", 2), of("be", 2), of("or", 1), of("not", 2)),
			streamtest.Late(between(0, 60), of("be", 3)))
	},
	"a dropped element": func(t testing.TB) {
		streamtest.WantPanes(t, story(&model.Pipeline{}),
			streamtest.OnTime(between(0, 60), of("to", 2), of("be", 2), of("or", 1), of("not", 1)),
			streamtest.Late(between(0, 60), of("be", 3)),
			streamtest.Late(between(0, 60), of("be", 4)))
	},
	"panes in another order": func(t testing.TB) {
		streamtest.WantPanes(t, story(&model.Pipeline{}),
			streamtest.Late(between(0, 60), of("be", 3)),
			streamtest.OnTime(between(0, 60), of("to", 2), of("be", 2), of("or", 1), of("not", 1)))
	},
	"another window and timing": func(t testing.TB) {
		streamtest.WantPanes(t, story(&model.Pipeline{}),
			streamtest.OnTime(between(60, 120), of("to", 2), of("be", 2), of("or", 1), of("not", 1)),
			streamtest.Early(between(0, 60), of("be", 3)))
	},
	"another step, index and place": func(t testing.TB) {
		streamtest.WantPanes(t, story(&model.Pipeline{}),
			streamtest.OnTime(between(0, 60), of("to", 2), of("be", 2), of("or", 1), of("not", 1)).AtStep(2).First(),
			streamtest.Late(between(0, 60), of("be", 3)).Index(2).First().Last())
	},
	"a retraction": func(t testing.TB) {
		var p model.Pipeline
		words := streamtest.NewStream[string](&p).Add(0, "a").Watermark(60*second).Add(0, "a").End()
		counts := streamtest.Capture(count(words, minutes(time.Minute, model.Retracting)))
		streamtest.Run(t, &p)
		counts.WantPanes(t,
			streamtest.OnTime(between(0, 60), of("a", 1)),
			streamtest.OnTime(between(0, 60), of("a", 2)).Retracted(),
			streamtest.Late(between(0, 60), of("a", 2)))
		counts.Want(t, of("a", 1), of("a", 2))
	},
	"no pane wanted": func(t testing.TB) { streamtest.WantPanes(t, story(&model.Pipeline{})) },
	"no pane emitted": func(t testing.TB) {
		var p model.Pipeline
		words := streamtest.NewStream[string](&p).Watermark(60*second).Add(0, "a").End()
		streamtest.WantPanes(t, count(words, minutes(0, 0)), streamtest.Late(between(0, 60), of("a", 1)))
	},
	"values": func(t testing.TB) {
		streamtest.Want(t, story(&model.Pipeline{}), of("to", 2), of("be", 2), of("or", 1), of("be", 2))
	},
	"values in a window": func(t testing.TB) {
		streamtest.WantInWindow(t, story(&model.Pipeline{}), between(60, 120), of("to", 2))
	},
	"nothing wanted": func(t testing.TB) { streamtest.WantEmpty(t, story(&model.Pipeline{})) },
	"dropped": func(t testing.TB) {
		var p model.Pipeline
		c := streamtest.Capture(story(&p))
		streamtest.Run(t, &p)
		c.WantDropped(t, 2)
	},
	"dropped without a window": func(t testing.TB) {
		var p model.Pipeline
		words := streamtest.NewStream[string](&p).Add(10*second, "to", "be").Add(70*second, "or").End()
		kept := transforms.Window(words, model.WindowingStrategy{Windows: inFirstMinute{minutes(0, 0).Windows}})
		counted, windowed := streamtest.Capture(transforms.Count(kept)), streamtest.Capture(kept)
		streamtest.Run(t, &p)
		counted.WantDropped(t, 0)
		windowed.WantDropped(t, 2)
	},
	"dropped by who knows": func(t testing.TB) {
		var p model.Pipeline
		c := streamtest.Capture(story(&p))
		streamtest.Run(t, &p, streamtest.RunBy(direct.Run))
		c.WantDropped(t, 1)
	},
	"a difference that does not show": func(t testing.TB) {
		var p model.Pipeline
		streamtest.Want(t, streamtest.NewStream[secret](&p).Add(0, secret{"ann"}).End(), secret{"bob"})
	},
	"two streams": func(t testing.TB) {
		var p model.Pipeline
		a := streamtest.NewStream[string](&p, model.Name("Clicks")).Add(0, "a").Elapse(90 * time.Second).End()
		b := streamtest.NewStream[string](&p, model.Name("Views")).Add(5*second, "b").End()
		c := transforms.Create(&p, "c")
		streamtest.Want(t, transforms.Flatten(a, b, c), "a", "b")
	},
	"a long script": func(t testing.TB) {
		var p model.Pipeline
		s := streamtest.NewStream[int](&p)
		for i := range 50 {
			s.Add(model.Timestamp(i)*10*second, i, i, i, i, i, i, i, i, i, i)
		}
		sums := transforms.CombineGlobally(transforms.Window(s.End(), minutes(0, 0)), transforms.Sum)
		streamtest.Want(t, sums, 150, 510, 870, 1230, 1590, 1950, 2310, 2670, 940)
	},
	"other times": func(t testing.TB) {
		var p model.Pipeline
		at := model.TimestampOf(time.Date(2024, 2, 29, 12, 30, 10, 5000, time.UTC))
		words := streamtest.NewStream[string](&p).Add(at, "a", "b\nc").Add(-1, "d").Watermark(model.MaxTimestamp).End()
		streamtest.WantEmpty(t, count(words, minutes(0, 0)))
	},
	"an error": func(t testing.TB) {
		var p model.Pipeline
		words := streamtest.NewStream[string](&p).Add(0, "a").Add(5*second, "b").End()
		streamtest.WantEmpty(t, transforms.TryMap(words, func(_ context.Context, s string) (string, error) {
			if s == "b" {
				return "", errors.New("no b, please")
			}
			return s, nil
		}))
	},
	"several inputs": func(t testing.TB) {
		var p model.Pipeline
		s := streamtest.NewScript(&p)
		orders, rates := streamtest.Input[amount](s, "orders"), streamtest.Input[amount](s, "rates")
		rates.Add(0, pay("eur", 2))
		orders.Add(10*second, pay("eur", 5), pay("usd", 7))
		s.Elapse(10 * time.Second)
		s.Watermark(60 * second)
		rates.End()
		orders.Add(70*second, pay("eur", 6))
		s.End()
		w := minutes(0, 0)
		streamtest.WantPanes(t, transforms.Join(transforms.Window(orders.Collection(), w), transforms.Window(rates.Collection(), w),
			func(k string, n, rate int) amount { return pay(k, n*rate) }),
			streamtest.OnTime(between(0, 60), pay("eur", 10), pay("usd", 7)).AtStep(4),
			streamtest.OnTime(between(60, 120), pay("eur", 12)))
	},
	"timings": func(t testing.TB) {
		var p model.Pipeline
		c := streamtest.Capture(fickle(&p))
		streamtest.Run(t, &p)
		c.WantEarly(t, between(0, 60), of("a", 2))
		c.WantOnTime(t, between(0, 60), of("a", 3))
		c.WantLate(t, between(60, 120), of("a", 3))
	},
	"final": func(t testing.TB) {
		streamtest.WantFinal(t, fickle(&model.Pipeline{}), between(0, 60), of("a", 3), of("b", 1))
	},
	"final of what has no key": func(t testing.TB) {
		streamtest.WantFinal(t, transforms.Values(fickle(&model.Pipeline{})), between(0, 60), 3)
	},
	"retractions": func(t testing.TB) {
		streamtest.WantPanes(t, fickle(&model.Pipeline{}),
			streamtest.Early(between(0, 60), of("a", 1)),
			streamtest.OnTime(between(0, 60), of("a", 2)),
			streamtest.Late(between(0, 60), of("a", 3)))
	},
	"two collections": func(t testing.TB) {
		var p model.Pipeline
		words := streamtest.NewStream[string](&p).Add(10*second, "a", "b", "c").Watermark(60*second).Add(70*second, "c").Add(20*second, "d").End()
		once := transforms.Distinct(transforms.Window(words, minutes(0, 0)), model.Name("Once"))
		streamtest.WantSame(t, once, transforms.Filter(words, func(s string) bool { return s != "b" }, model.Name("Most")))
	},
	"two collections that look the same": func(t testing.TB) {
		var p, q model.Pipeline
		streamtest.WantSame(t, streamtest.NewStream[secret](&p, model.Name("P")).Add(0, secret{"ann"}).End(), streamtest.NewStream[secret](&q, model.Name("Q")).Add(0, secret{"bob"}).End())
	},
	"drops": func(t testing.TB) {
		var p model.Pipeline
		late := drops(&p)
		streamtest.WantDropped(t, late,
			streamtest.Expired(between(0, 60), pay("a", 2), pay("c", 3)),
			streamtest.Finished(between(0, 60), pay("b", 4)),
			streamtest.Expired(between(60, 120), pay("a", 5)))
	},
	"drops that look the same": func(t testing.TB) {
		var p model.Pipeline
		secrets := streamtest.NewStream[model.KV[string, secret]](&p).Watermark(60*second).Add(0, model.KVOf("a", secret{"ann"})).End()
		var late model.LateData[model.KV[string, secret]]
		transforms.GroupByKey(transforms.Window(secrets, minutes(0, 0)), late.To())
		streamtest.WantDropped(t, late.Collection(), streamtest.Expired(between(0, 60), model.KVOf("a", secret{"bob"})))
	},
	"wide": func(t testing.TB) {
		var p model.Pipeline
		words := streamtest.NewStream[string](&p).Add(0, strings.Repeat("wide ", 15), "b", "a\nb").End()
		streamtest.Want(t, words, strings.Repeat("wide ", 14), "b", "a\nb", "d\ne")
	},
	"lines": func(t testing.TB) {
		var p model.Pipeline
		pages := streamtest.NewStream[page](&p).Add(0, page{"a\nb"}, page{"c\nd\ne"}).End()
		streamtest.Want(t, pages, page{"a\nb"}, page{"c\nd"})
	},
	"a script that goes on": func(t testing.TB) {
		var p model.Pipeline
		streamtest.WantEmpty(t, streamtest.Input[string](streamtest.NewScript(&p), "words").Collection())
	},
	"not run": func(t testing.TB) { streamtest.Capture(story(&model.Pipeline{})).WantEmpty(t) },
}

type secret struct{ name string }

func (secret) String() string { return "a secret" }

// A page prints as its lines.
type page struct{ text string }

func (p page) String() string { return p.text }

// fickle counts words of a minute, and takes each count back for the next.
func fickle(p *model.Pipeline) model.PCollection[model.KV[string, int64]] {
	s := early(10 * time.Second)
	s.Trigger = triggers.AfterWatermark{Early: triggers.AfterProcessingTime{Delay: 10 * time.Second}, Late: triggers.AfterCount{N: 1}}
	s.Panes, s.Lateness = model.Retracting, time.Minute
	words := streamtest.NewStream[string](p).
		Add(10*second, "a", "b").
		Elapse(10*time.Second).
		Add(20*second, "a").
		Watermark(60*second).
		Add(30*second, "a", "a").
		End()
	return count(words, s)
}

// drops is what a grouping drops, too late or behind a trigger that finished.
func drops(p *model.Pipeline) model.PCollection[model.LateElement[amount]] {
	payments := streamtest.NewStream[amount](p).
		Add(10*second, pay("a", 1), pay("b", 1)).
		Watermark(60*second).
		Add(20*second, pay("a", 2)).
		Watermark(90*second).
		Add(20*second, pay("c", 3)).
		End()
	once := minutes(30*time.Second, model.Discarding)
	once.Trigger, once.MayFinish = triggers.AfterWatermark{}, true
	var late model.LateData[amount]
	transforms.CombinePerKey(transforms.Window(payments, once), transforms.Sum, late.To())
	return late.Collection()
}

// story counts words of a minute, of which one is late and another too late.
func story(p *model.Pipeline) model.PCollection[model.KV[string, int64]] {
	words := streamtest.NewStream[string](p).
		Add(10*second, "to", "be").
		Elapse(10*time.Second).
		Add(20*second, "or", "not", "to", "be").
		Watermark(60*second).
		Add(30*second, "be").
		Watermark(360*second).
		Add(40*second, "be").
		End()
	return count(words, minutes(5*time.Minute, model.Accumulating))
}

func TestWhatFailuresSay(t *testing.T) {
	seen := map[string]bool{}
	datadriven.RunTest(t, "testdata/failures", func(t *testing.T, d *datadriven.TestData) string {
		name := strings.TrimSpace(d.Input)
		seen[name] = true
		check, ok := failures[name]
		if !ok {
			return "no such test"
		}
		// go-cmp varies its spaces, so that nobody relies on them.
		said := strings.ReplaceAll(failure(t, check), "\u00a0", " ")
		return regexp.MustCompile(`_test\.go:\d+`).ReplaceAllString(said, "_test.go:N")
	})
	for name := range failures {
		if !seen[name] {
			t.Errorf("testdata/failures does not have %q", name)
		}
	}
}

func TestWhatIsEqualToBeWanted(t *testing.T) {
	type reading struct {
		at    time.Time
		Level float64
		Tags  []string
	}
	noon := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	var p model.Pipeline
	readings := streamtest.NewStream[reading](&p).Add(0, reading{noon, math.NaN(), []string{}}, reading{at: noon}).End()
	streamtest.Want(t, readings, reading{at: noon.In(time.FixedZone("east", 3600))}, reading{noon, math.NaN(), nil})
	said := failure(t, func(t testing.TB) {
		var p model.Pipeline
		readings := streamtest.NewStream[reading](&p).Add(0, reading{at: noon}).End()
		streamtest.Want(t, readings, reading{at: noon.Add(1)})
	})
	if said == "" {
		t.Error("unexported fields are not compared")
	}
}

// inFirstMinute has windows in the first minute only.
type inFirstMinute struct{ model.WindowFn }

func (m inFirstMinute) AssignWindows(dst []model.Window, t model.Timestamp) []model.Window {
	if t >= 60*second {
		return dst
	}
	return m.WindowFn.AssignWindows(dst, t)
}
