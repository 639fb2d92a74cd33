package transforms_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
)

// A diary is what happened to the instances of a DoFn, in order.
type diary struct {
	mu      sync.Mutex
	entries []string
	made    int
}

func (d *diary) note(who, what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entries = append(d.entries, who+" "+what)
}

// lives are the entries of each instance, in the order of their names.
func (d *diary) lives() []string {
	byWho := map[string][]string{}
	for _, e := range d.entries {
		who, what, _ := strings.Cut(e, " ")
		byWho[who] = append(byWho[who], what)
	}
	var out []string
	for _, life := range byWho {
		out = append(out, strings.Join(life, " "))
	}
	slices.Sort(out)
	return out
}

// A diarist passes elements on and keeps a diary. It fails where it is told to.
type diarist struct {
	diary             *diary
	name              string
	failOpen, failAny error
}

func (d *diarist) Instance() transforms.DoFn[int, int] {
	d.diary.mu.Lock()
	defer d.diary.mu.Unlock()
	d.diary.made++
	i := *d
	i.name = fmt.Sprint(d.name, d.diary.made)
	return &i
}

func (d *diarist) Open(context.Context) error {
	d.diary.note(d.name, "open")
	return d.failOpen
}

func (d *diarist) Process(_ context.Context, e transforms.Element[int], out transforms.Output[int]) error {
	d.diary.note(d.name, "process")
	out.Emit(e.Value)
	return d.failAny
}

func (d *diarist) Flush(context.Context) error {
	d.diary.note(d.name, "flush")
	return nil
}

func (d *diarist) Close() error {
	d.diary.note(d.name, "close")
	return nil
}

func hundred(p *model.Pipeline) model.PCollection[int] {
	return transforms.Reshuffle(transforms.Create(p, make([]int, 100)...))
}

func run(p *model.Pipeline, parallelism int) error {
	_, err := direct.Runner{Parallelism: parallelism}.Run(context.Background(), p)
	return err
}

func TestEveryTaskHasAnInstanceThatLivesFromOpenToClose(t *testing.T) {
	var p model.Pipeline
	d := &diary{}
	transforms.Do(hundred(&p), &diarist{diary: d})
	if err := run(&p, 3); err != nil {
		t.Fatal(err)
	}

	lives := d.lives()
	if d.made != 3 || len(lives) != 3 {
		t.Errorf("%d instances were made and %d lived, want 3 each", d.made, len(lives))
	}
	for _, life := range lives {
		if !regexp.MustCompile(`^open( process)* flush close$`).MatchString(life) {
			t.Errorf("an instance's life: %s", life)
		}
	}
	if n := strings.Count(strings.Join(lives, " "), "process"); n != 100 {
		t.Errorf("%d elements were processed, want 100", n)
	}
}

func TestWhatFollowsStillWorksDuringFlush(t *testing.T) {
	var p model.Pipeline
	d := &diary{}
	transforms.Do(transforms.Do(transforms.Create(&p, 1), &diarist{diary: d, name: "up"}), &diarist{diary: d, name: "down"})
	if err := run(&p, 1); err != nil {
		t.Fatal(err)
	}
	// Instances are made, and opened, from the end: no element comes before all are.
	order := slices.DeleteFunc(d.entries, func(e string) bool { return strings.HasSuffix(e, "open") })
	want := []string{"up2 process", "down1 process", "up2 flush", "down1 flush", "up2 close", "down1 close"}
	if !slices.Equal(order, want) {
		t.Errorf("got %q, want %q", order, want)
	}
}

func TestFailedRunClosesButDoesNotFlush(t *testing.T) {
	var p model.Pipeline
	d := &diary{}
	transforms.Do(transforms.Create(&p, 1), &diarist{diary: d, failAny: errBroken})
	if err := run(&p, 1); !errors.Is(err, errBroken) {
		t.Fatalf("got %v", err)
	}
	if got, want := d.lives(), []string{"open process close"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWhatDidNotOpenIsNotClosed(t *testing.T) {
	var p model.Pipeline
	d := &diary{}
	opened := transforms.Do(transforms.Create(&p, 1), &diarist{diary: d})
	transforms.Do(transforms.Reshuffle(opened), &diarist{diary: d, failOpen: errBroken})
	if err := run(&p, 1); !errors.Is(err, errBroken) {
		t.Fatalf("got %v", err)
	}
	if got, want := d.lives(), []string{"open", "open close"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A shared counts what all tasks give it.
type shared struct {
	mu sync.Mutex
	n  int
}

func (s *shared) Process(context.Context, transforms.Element[int], transforms.Output[int]) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	return nil
}

func TestDoFnThatMakesNoInstancesServesAllTasks(t *testing.T) {
	var p model.Pipeline
	s := &shared{}
	transforms.Do(hundred(&p), s)
	if err := run(&p, 3); err != nil {
		t.Fatal(err)
	}
	if s.n != 100 {
		t.Errorf("it saw %d elements, want 100", s.n)
	}
}

func TestUserCodeIsGivenTheRunsContext(t *testing.T) {
	type key struct{}
	var p model.Pipeline
	var got any
	transforms.TryMap(transforms.Create(&p, 1), func(ctx context.Context, n int) (int, error) {
		got = ctx.Value(key{})
		return n, ctx.Err()
	})
	if err := direct.Run(context.WithValue(context.Background(), key{}, "mine"), &p); err != nil {
		t.Fatal(err)
	}
	if got != "mine" {
		t.Errorf("the context holds %v", got)
	}
}
