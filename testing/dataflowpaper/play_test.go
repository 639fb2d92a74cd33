package dataflowpaper

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/transforms"
)

// An input is a number, the time that it is of, and the time at which it arrives.
type input struct {
	value    int
	of       string
	arriving string
}

// inputs are those of figure 5, read off its axes, exact to about two seconds.
var inputs = []input{
	{5, "12:00:26", "12:05:20"},
	{7, "12:02:26", "12:05:40"},
	{3, "12:03:39", "12:06:13"},
	{4, "12:03:53", "12:06:27"},
	{3, "12:04:20", "12:06:40"},
	{8, "12:03:06", "12:07:07"},
	{3, "12:06:39", "12:07:20"},
	{9, "12:01:26", "12:08:20"},
	{8, "12:07:26", "12:08:40"},
	{1, "12:07:46", "12:09:00"},
}

// nearer are the inputs with 9 and 7 a little earlier. Figure 14 draws a session
// across 5, 9 and 7, which as they were read off only touch.
var nearer = with(with(inputs, 9, "12:01:25"), 7, "12:02:24")

func with(in []input, value int, of string) []input {
	in = slices.Clone(in)
	i := slices.IndexFunc(in, func(e input) bool { return e.value == value })
	in[i].of = of
	return in
}

// watermarks are how far the watermark of the figures gets, and when.
var watermarks = []struct{ to, at string }{
	{"12:02:00", "12:06:00"},
	{"12:04:00", "12:07:30"},
	{"12:05:20", "12:07:37"},
	{"12:06:00", "12:07:40"},
	{"12:08:00", "12:09:20"},
}

// A moment is a processing time, and what happens then, if anything does.
type moment struct {
	at   model.Timestamp
	step func(*stream)
}

type stream = streamtest.Stream[model.KV[string, int]]

// live is the stream of the figures: it goes on, and its watermark follows. Clock
// tells the processing time of each step.
func live(p *model.Pipeline, in []input) (all scores, clock map[int]string) {
	moments := arrivals(in)
	for _, w := range watermarks {
		moments = append(moments, moment{instant(w.at), func(s *stream) { s.Watermark(instant(w.to)) }})
	}
	return script(streamtest.NewStream[model.KV[string, int]](p), moments)
}

// batch is the same as a file: no watermark until its end, at 12:10.
func batch(p *model.Pipeline, in []input) (all scores, clock map[int]string) {
	return script(streamtest.NewStream[model.KV[string, int]](p).Bounded(), arrivals(in))
}

func arrivals(in []input) (moments []moment) {
	for _, e := range in {
		moments = append(moments, moment{instant(e.arriving), func(s *stream) {
			s.Add(instant(e.of), model.KVOf("team", e.value))
		}})
	}
	return moments
}

// script tells the moments, and each full minute. What is due at an instant comes
// after what happens at it: the clock strikes when that has been dealt with, so that
// the firing of 12:09 holds what arrives at 12:09:00.
func script(s *stream, moments []moment) (all scores, clock map[int]string) {
	for minute := instant("12:06:00"); minute <= instant("12:10:00"); minute = minute.Add(time.Minute) {
		moments = append(moments, moment{at: minute})
	}
	slices.SortStableFunc(moments, func(a, b moment) int { return cmp.Compare(a.at, b.at) })
	clock = map[int]string{}
	steps := 0
	now := model.Timestamp(0)
	elapse := func(to model.Timestamp) {
		if to > now {
			s.Elapse(to.Sub(now))
			now = to
			steps++
		}
	}
	for i, m := range moments {
		elapse(m.at - 1)
		if m.step != nil {
			m.step(s)
			steps++
			clock[steps] = hms(m.at)
		}
		if i+1 == len(moments) || moments[i+1].at != m.at {
			elapse(m.at)
			clock[steps] = hms(m.at)
		}
	}
	clock[steps+1] = hms(now) // the end
	return s.End(), clock
}

// wantPanes runs a figure's pipeline, and wants exactly these panes, in this order.
func wantPanes(t *testing.T, play func(*model.Pipeline, []input) (scores, map[int]string), in []input, figure func(scores) scores, want string) {
	t.Helper()
	var p model.Pipeline
	elements, clock := play(&p, in)
	sums := figure(elements)
	steps := streamtest.Capture(sums)
	var emitted []model.Element[model.KV[string, int]] // in order
	transforms.ForEach(sums, func(_ context.Context, e model.Element[model.KV[string, int]]) error {
		emitted = append(emitted, e)
		return nil
	})
	streamtest.Run(t, &p, streamtest.Parallelism(1))

	var got []string
	for _, e := range emitted {
		at := slices.IndexFunc(steps.Elements(), func(f streamtest.Fired[model.KV[string, int]]) bool { return f.Element == e })
		sum := e.Value.Value
		if e.Pane.Retraction {
			sum = -sum
		}
		got = append(got, fmt.Sprintf("%s  %-13s %3d  %v", clock[steps.Elements()[at].Step], span(e.Window), sum, e.Pane.Timing))
	}
	wantLines(t, got, want)
}

func wantLines(t *testing.T, got []string, want string) {
	t.Helper()
	if want := lines(want); !slices.Equal(got, want) {
		t.Errorf("\n got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// lines are those of text, without what they are indented by.
func lines(text string) (lines []string) {
	for line := range strings.Lines(strings.TrimSpace(text)) {
		lines = append(lines, strings.TrimSpace(line))
	}
	return lines
}

// instant is a time of the day that begins with the Unix epoch.
func instant(clock string) model.Timestamp {
	t, err := time.Parse(time.TimeOnly, clock)
	if err != nil {
		panic(err)
	}
	midnight := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	return model.Timestamp(0).Add(t.Sub(midnight))
}

func hms(t model.Timestamp) string { return t.Time().Format(time.TimeOnly) }

// span is w, without seconds if there are none.
func span(w model.Window) string {
	if w == model.GlobalWindow {
		return "global"
	}
	s := hms(w.Start) + " - " + hms(w.End)
	if strings.Count(s, ":00 ") == 1 && strings.HasSuffix(s, ":00") {
		s = hms(w.Start)[:5] + " - " + hms(w.End)[:5]
	}
	return s
}
