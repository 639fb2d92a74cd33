package engine_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/transforms"
	"github.com/millrace/millrace/windowing"
)

// TestIdleness plays what is in testdata/idleness. A pipeline has splits that bring
// what they are told to, counts elements in windows of 10 µs, which take late ones
// for 20, and says what each line of a play caused.
func TestIdleness(t *testing.T) {
	datadriven.Walk(t, "testdata/idleness", func(t *testing.T, path string) {
		var b *idleBench
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "pipeline":
				b = newIdleBench(t, d)
				return b.state()
			case "play":
				return b.play(t, d.Input)
			}
			t.Fatalf("%s: what is %q?", d.Pos, d.Cmd)
			return ""
		})
	})
}

// TestIdlenessTellsPlantedBugs plants bugs in what tasks say of idleness, and asks
// whether a play would have noticed.
func TestIdlenessTellsPlantedBugs(t *testing.T) {
	pipeline := &datadriven.TestData{CmdArgs: []datadriven.CmdArg{{Key: "splits", Vals: []string{"a+b"}}, {Key: "tasks", Vals: []string{"2"}}}}
	const script = "add a 3\nmark a 4\nadd b 5\nmark b 30\npass 9\nadd b 31\npass 1\nadd a 33\nmark b 50\nmark a 45"
	want := newIdleBench(t, pipeline).play(t, script)
	for name, change := range map[string]func(*engine.Message){
		"nobody says that it is idle": func(m *engine.Message) { m.Idle = false },
		"who was idle is so for ever": func() func(*engine.Message) {
			idle := map[int]bool{}
			return func(m *engine.Message) {
				idle[m.Channel] = idle[m.Channel] || m.Idle
				m.Idle = idle[m.Channel]
			}
		}(),
		"all are idle from the start":   func(m *engine.Message) { m.Idle = true },
		"what is sent last is left out": func(m *engine.Message) { m.Batch = batchUnless(m.Batch, m.Idle) },
	} {
		b := newIdleBench(t, pipeline)
		each(func(_ *harness, to *lane, m engine.Message) {
			change(&m)
			to.queue = append(to.queue, m)
		})(b.h)
		if got := b.play(t, script); got == want {
			t.Errorf("%s, and the play is the same:\n%s", name, got)
		}
	}
}

func batchUnless(batch any, gone bool) any {
	if gone {
		return nil
	}
	return batch
}

// A tap is a split that brings what it is told to.
type tap struct {
	name      string
	waiting   []model.Timestamp
	watermark model.Timestamp
	ends      bool
}

// taps is a source of them.
type taps struct {
	list      []*tap
	idleAfter time.Duration
}

func (taps) Bounded() bool                   { return false }
func (s taps) IdleAfter() time.Duration      { return s.idleAfter }
func (t *tap) Position() source.Split        { return source.Split{ID: t.name} }
func (t *tap) Watermark() model.Timestamp    { return t.watermark }
func (t *tap) Progress() (p source.Progress) { return p }
func (t *tap) Close() error                  { return nil }

func (s taps) Splits(context.Context, int) (splits []source.Split, err error) {
	for _, t := range s.list {
		splits = append(splits, t.Position())
	}
	return splits, nil
}

func (s taps) Open(_ context.Context, split source.Split) (source.Reader[number], error) {
	i := slices.IndexFunc(s.list, func(t *tap) bool { return t.name == split.ID })
	return s.list[i], nil
}

func (t *tap) Read(_ context.Context, limit int, emit func(*number, model.Timestamp)) (source.Status, error) {
	if len(t.waiting) == 0 {
		return source.Status{Done: t.ends, ResumeAfter: time.Microsecond}, nil
	}
	for ; limit > 0 && len(t.waiting) > 0; limit-- {
		emit(&number{Value: int(t.waiting[0])}, t.waiting[0])
		t.waiting = t.waiting[1:]
	}
	return source.Status{}, nil
}

// An idleBench is a pipeline that is played.
type idleBench struct {
	taps  map[string]*tap
	h     *harness
	fired []string
	now   model.Timestamp
}

func newIdleBench(t *testing.T, d *datadriven.TestData) *idleBench {
	b := &idleBench{taps: map[string]*tap{}, now: 100}
	after, tasks, shape := 10, 1, "counted"
	d.MaybeScanArgs(t, "idle-after", &after)
	d.MaybeScanArgs(t, "tasks", &tasks)
	d.MaybeScanArgs(t, "shape", &shape)
	var p model.Pipeline
	var inputs []model.PCollection[number]
	for _, names := range d.CmdArgs[0].Vals { // a source for each
		s := taps{idleAfter: us(after)}
		for _, name := range strings.Split(names, "+") {
			b.taps[name] = &tap{name: name, watermark: model.MinTimestamp}
			s.list = append(s.list, b.taps[name])
		}
		inputs = append(inputs, transforms.Read(&p, s))
	}
	switch shape {
	case "reshuffled":
		inputs[0] = transforms.Reshuffle(inputs[0])
	case "held": // at the earliest element of each window of the first source
		sums := transforms.CombinePerKey(transforms.Window(inputs[0], model.WindowingStrategy{
			Windows: windowing.Fixed{Size: us(10)}, Timestamps: model.Earliest, Panes: model.Discarding,
		}), bags)
		inputs[0] = transforms.Map(sums, func(g lists) number { return number{Key: g.Key, Value: -len(g.Value)} })
		inputs[0] = transforms.Window(inputs[0], model.WindowingStrategy{Windows: windowing.Global{}})
	}
	c := transforms.Flatten(inputs...)
	c = transforms.Window(c, model.WindowingStrategy{Windows: windowing.Fixed{Size: us(10)}, Lateness: us(20), Panes: model.Discarding})
	transforms.ForEach(transforms.CombinePerKey(c, bags), func(_ context.Context, e transforms.Element[lists]) error {
		w := e.Meta.Window
		b.fired = append(b.fired, fmt.Sprintf("[%d,%d) %v %v", w.Start, w.End, e.Meta.Pane.Timing, slices.Sorted(slices.Values(e.Value.Value))))
		return nil
	})
	h, err := newHarness(&p, layout{parallelism: tasks, batch: 4, groups: 8, limit: 10}, rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	b.h = h
	b.settle(t)
	return b
}

// play does what each line says, and returns what it caused.
func (b *idleBench) play(t *testing.T, script string) string {
	var out strings.Builder
	for line := range strings.Lines(script) {
		line = strings.TrimSpace(line)
		f := append(strings.Fields(line), "", "")
		before := b.state()
		switch f[0] {
		case "add":
			b.taps[f[1]].waiting = append(b.taps[f[1]].waiting, number10(t, f[2]))
		case "mark":
			b.taps[f[1]].watermark = number10(t, f[2])
		case "end":
			b.taps[f[1]].ends = true
		case "pass":
			b.now += number10(t, f[1])
		default:
			t.Fatalf("what is %q?", line)
		}
		b.settle(t)
		fmt.Fprintf(&out, "%s\n", line)
		for _, p := range b.fired {
			fmt.Fprintf(&out, "    %s\n", p)
		}
		b.fired = nil
		if after := b.state(); after != before {
			fmt.Fprintf(&out, "    %s\n", after)
		}
	}
	return out.String()
}

func number10(t *testing.T, s string) model.Timestamp {
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return model.Timestamp(n)
}

// settle reads all that there is, and does what follows from it.
func (b *idleBench) settle(t *testing.T) {
	for _, f := range b.h.feeds {
		for i, task := range f.tasks {
			for range len(b.taps) + 2 {
				if task.Done() {
					break
				}
				if err := task.AdvanceProcessingTime(b.now); err != nil {
					t.Fatal(err)
				}
				if err := f.read(i, 10); err != nil {
					t.Fatal(err)
				}
				b.h.post(task)
			}
			if err := b.h.drain(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// state is where the watermark is behind the grouping, and which splits are idle.
func (b *idleBench) state() string {
	low := model.MaxTimestamp
	for _, task := range b.h.tasks[len(b.h.tasks)-1] {
		low = min(low, task.Watermark())
	}
	s := fmt.Sprintf("watermark %d", low)
	switch low {
	case model.MinTimestamp:
		s = "no watermark"
	case model.MaxTimestamp:
		s = "the end"
	}
	var splits []engine.SplitProgress
	for _, f := range b.h.feeds {
		for _, task := range f.tasks {
			splits = task.AppendSplits(splits)
		}
	}
	for _, x := range splits {
		if x.Idle {
			s += ", " + x.ID + " idle"
		}
	}
	if n := b.h.counts("CombinePerKey").Dropped; n > 0 {
		s += fmt.Sprintf(", %d dropped", n)
	}
	return s
}
