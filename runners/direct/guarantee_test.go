package direct_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
)

// A socket is a source that nobody reads twice.
type socket struct{ counter }

func (socket) Forgets() string { return "a socket has no past" }

// A mailer is a sink that cannot take back what it has sent.
type mailer struct{ book }

func (*mailer) Repeats() string { return "a mail that was sent may be sent again" }

func TestGuarantees(t *testing.T) {
	var p model.Pipeline
	kept := transforms.Read(&p, source.Source[int](&counter{n: 10}), model.Name("File"))
	lost := transforms.Read(&p, source.WithEventTime(source.Source[int](&socket{counter{n: 10}}),
		func(int) model.Timestamp { return 0 }, source.Monotonic()), model.Name("Socket"))
	endless := transforms.Read(&p, source.Source[int](&numbers{n: 10, unbounded: true}), model.Name("Queue"))
	nothing := func(context.Context, transforms.Element[int]) error { return nil }
	for name, c := range map[string]model.PCollection[int]{"kept": kept, "lost": lost} {
		transforms.Write(transforms.Reshuffle(c), &book{}, model.Name(name+" in a book"))
		transforms.Write(c, &mailer{}, model.Name(name+" by mail"))
		transforms.ForEach(c, nothing, model.Name(name+" for each"))
	}
	transforms.Write(transforms.Flatten(kept, lost), &book{}, model.Name("both in a book"))
	transforms.Write(transforms.Flatten(kept, endless), &book{}, model.Name("endless in a book"))

	again, past := "may be sent again", "Socket cannot be read again from a checkpoint: a socket has no past"
	done := "what user code did since the last checkpoint is done again"
	saved := map[string]direct.Guarantee{
		"kept in a book":    {Level: direct.ExactlyOnce, Why: "positions of the sources"},
		"kept by mail":      {Level: direct.AtLeastOnce, Why: again},
		"kept for each":     {Level: direct.AtLeastOnce, Why: done},
		"lost in a book":    {Level: direct.AtMostOnce, Why: past},
		"lost by mail":      {Level: direct.NoGuarantee, Why: past + "; a mail that was sent may be sent again"},
		"lost for each":     {Level: direct.NoGuarantee, Why: past + "; " + done},
		"both in a book":    {Level: direct.AtMostOnce, Why: past},
		"endless in a book": {Level: direct.ExactlyOnce, Why: "positions of the sources"},
	}
	inMemory := map[string]direct.Guarantee{
		"kept in a book":    {Level: direct.ExactlyOnce, Why: "or nothing is"},
		"lost by mail":      {Level: direct.AtLeastOnce, Why: again},
		"kept for each":     {Level: direct.AtMostOnce, Why: "is not gone on from"},
		"endless in a book": {Level: direct.AtMostOnce, Why: "all is lost"},
	}
	for dir, want := range map[string]map[string]direct.Guarantee{"": inMemory, "state": saved} {
		r := direct.Runner{Checkpoints: direct.Checkpoints{Dir: dir}}
		list, err := r.Guarantees(&p)
		if err != nil || len(list) != len(saved) {
			t.Fatalf("there are %d guarantees: %v", len(list), err)
		}
		for _, g := range list {
			w, ok := want[g.Sink]
			if ok && (g.Level != w.Level || !strings.Contains(g.Why, w.Why)) {
				t.Errorf("with state directory %q: %v; want %v: %v", dir, g, w.Level, w.Why)
			}
		}
		text, err := r.Explain(&p)
		if err != nil || !strings.Contains(text, "\nguarantees\n") || !strings.Contains(text, "  "+list[0].String()+"\n") {
			t.Errorf("the plan says no guarantees: %v\n%s", err, text)
		}
	}
}

// The report and the log of a run say what it promises.
func TestARunSaysItsGuarantees(t *testing.T) {
	var p model.Pipeline
	c := transforms.Read(&p, source.Source[int](&counter{n: 10}))
	transforms.Write(c, &book{}, model.Name("Book"))
	transforms.Write(c, &mailer{}, model.Name("Mail"))
	log := newLogged()
	r := direct.Runner{Logger: log.Logger, Checkpoints: direct.Checkpoints{Dir: "/state", Every: time.Hour}.On(vfs.NewMem())}
	report, err := r.Run(t.Context(), &p)
	if err != nil {
		t.Fatal(err)
	}
	if g := report.Guarantees; len(g) != 2 || g[0].Level != direct.ExactlyOnce || g[1].Level != direct.AtLeastOnce {
		t.Errorf("the report says %v", g)
	}
	if log.count(`sink=Mail guarantee="at least once"`) != 1 || log.count("sink=Book guarantee") != 0 {
		t.Errorf("the log says:\n%s", log.lines.String())
	}
}
