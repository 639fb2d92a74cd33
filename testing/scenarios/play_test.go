package scenarios_test

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/testing/streamtest"
	"github.com/millrace/millrace/windowing"
)

// play runs a story in several ways, which must come to the same, and tells what
// came of it.
func play(t *testing.T, story string) string {
	t.Helper()
	s, err := parse(story)
	if err != nil {
		t.Fatal(err)
	}
	told := s.run(t, 1, asked)
	if again := s.run(t, 3, asked); again != told {
		t.Errorf("with three tasks, this comes of it:\n%s\nand with one:\n%s", again, told)
	}
	if folded := s.run(t, 2, unasked); folded != told {
		t.Errorf("if nobody asks what is dropped, this comes of it:\n%s\nand otherwise:\n%s", folded, told)
	}
	return told
}

// Whether groupings are asked what they drop, without which they may fold elements
// before the exchange.
const (
	asked   = true
	unasked = false
)

// run runs s with n tasks, and tells what came of it. If it does not ask what is
// dropped, it runs twice, and takes the drops of the other run.
func (s *scenario) run(t *testing.T, n int, late bool) string {
	t.Helper()
	var p model.Pipeline
	parts := s.build(&p, late)
	if err := p.Err(); err != nil {
		var mistake *model.BuildError
		if errors.As(err, &mistake) {
			err = mistake.Err
		}
		return fmt.Sprintf("mistake: %s\n", setAt.ReplaceAllString(err.Error(), ""))
	}
	streamtest.Run(t, &p, streamtest.Parallelism(n))
	var lines []line
	for i, part := range parts {
		lines = append(lines, part.panesTold(i)...)
	}
	if late {
		lines = append(lines, dropsTold(parts)...)
	} else {
		var q model.Pipeline
		other := s.build(&q, asked)
		streamtest.Run(t, &q, streamtest.Parallelism(n))
		drops := dropsTold(other)
		parts[len(parts)-1].panes.WantDropped(t, int64(len(drops))+s.windowless())
		lines = append(lines, drops...)
	}
	return s.tell(lines)
}

// windowless is how many elements are between the windows of the first grouping.
func (s *scenario) windowless() (n int64) {
	sliding, ok := s.groupings[0].strategy.Windows.(windowing.Sliding)
	for _, st := range s.steps {
		if ok && len(sliding.AssignWindows(nil, st.at)) == 0 {
			n += int64(len(st.elements))
		}
	}
	return n
}

// setAt is what a mistake says of the line that made it, which here is none of the
// story's.
var setAt = regexp.MustCompile(`, set at [a-z_]+\.go:\d+`)

// tell is the lines under the steps that caused them.
func (s *scenario) tell(lines []line) string {
	slices.SortStableFunc(lines, line.order)
	var b strings.Builder
	step := 0
	for _, l := range lines {
		if l.step > len(s.steps) {
			break // the end, of which the story does not tell
		}
		if l.step != step {
			step = l.step
			fmt.Fprintln(&b, s.steps[step-1].text)
		}
		fmt.Fprintln(&b, "  "+l.text)
	}
	return b.String()
}

// A line is a pane or a drop, and where it stands among others of its step.
type line struct {
	step, part int
	drop       bool
	key        string
	heirs      int // 0 if it takes back what was said of a window that is part of another now
	window     model.Window
	place      int64 // among those of the window
	text       string
}

func (l line) order(o line) int {
	return cmp.Or(cmp.Compare(l.step, o.step), cmp.Compare(l.part, o.part), falseFirst(l.drop, o.drop), cmp.Compare(l.key, o.key),
		cmp.Compare(l.heirs, o.heirs), l.window.Compare(o.window), cmp.Compare(l.place, o.place), cmp.Compare(l.text, o.text))
}

func falseFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// panesTold are the panes of the i'th part. What a key emits in one pane is one
// line.
func (p part) panesTold(i int) (lines []line) {
	type said struct {
		step   int
		key    string
		window model.Window
	}
	fired := p.panes.Elements()
	alive := map[said]bool{}
	for _, e := range fired {
		if !e.Pane.Retraction {
			alive[said{e.Step, e.Value.Key, e.Window}] = true
		}
	}
	for _, e := range fired {
		l := line{step: e.Step, part: i, key: e.Value.Key, window: e.Window, place: 2 * e.Pane.Index}
		if alive[said{e.Step, l.key, l.window}] {
			l.heirs = 1
		}
		if e.Pane.Retraction {
			l.place++ // behind the pane, before the next
		}
		title := p.label + title(e)
		if n := len(lines) - 1; n >= 0 && strings.HasPrefix(lines[n].text, title+": ") && lines[n].step == l.step {
			lines[n].text += ", " + e.Value.Value
			continue
		}
		l.text = title + ": " + cmp.Or(e.Value.Value, "nothing")
		lines = append(lines, l)
	}
	return lines
}

// title is a pane without its values.
func title(e streamtest.Fired[text]) string {
	var words []string
	if e.Value.Key != "" {
		words = append(words, e.Value.Key)
	}
	words = append(words, span(e.Window))
	if e.Pane.Retraction {
		words = append(words, "retracts")
	}
	words = append(words, e.Pane.Timing.String(), fmt.Sprintf("#%d", e.Pane.Index))
	if e.Pane.First {
		words = append(words, "first")
	}
	if e.Pane.Last {
		words = append(words, "last")
	}
	if e.Timestamp != e.Window.MaxTimestamp() {
		words = append(words, "at", clock(e.Timestamp))
	}
	return strings.Join(words, " ")
}

func dropsTold(parts []part) (lines []line) {
	for i, p := range parts {
		for _, e := range p.drops.Elements() {
			l := e.Value
			what := l.Value.Value
			verb := "drop"
			if l.Retraction {
				verb = "drop the retraction of"
			}
			if l.Value.Key != "" {
				what = l.Value.Key + ":" + what
			}
			lines = append(lines, line{
				step: e.Step, part: i, drop: true, key: l.Value.Key, window: l.Window,
				text: fmt.Sprintf("%s%s %s of %s: %v", p.label, verb, what, span(l.Window), l.Reason),
			})
		}
	}
	return lines
}

// span is a window in the times of stories.
func span(w model.Window) string {
	if w == model.GlobalWindow {
		return "global"
	}
	return "[" + clock(w.Start) + ", " + clock(w.End) + ")"
}

// clock is t since the Unix epoch, without units of which there are none.
func clock(t model.Timestamp) string {
	s := (time.Duration(t) * time.Microsecond).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
