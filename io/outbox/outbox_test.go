package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/millrace/millrace/io/outbox"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/sink"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
)

// An endpoint takes elements, and can be made to refuse some.
type endpoint struct {
	mu       sync.Mutex
	received []string // "key value", as it came
	refuse   func(v string) error
}

var errDown = errors.New("the endpoint is down")

func (e *endpoint) deliver(_ context.Context, key, v string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.refuse != nil {
		if err := e.refuse(v); err != nil {
			return err
		}
	}
	e.received = append(e.received, key+" "+v)
	return nil
}

// prepared writes values to one shard of s.
func prepared(t *testing.T, s sink.Sink[string], shard int, values ...string) sink.Committable {
	t.Helper()
	at := sink.Shard{Index: shard, Of: 2}
	w, err := s.Open(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range values {
		if err := w.Write(t.Context(), &v, &model.Meta{}); err != nil {
			t.Fatal(err)
		}
	}
	data, err := w.Prepare(t.Context())
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return sink.Committable{Shard: at, Data: data}
}

func TestNothingIsDeliveredBeforeItIsCommitted(t *testing.T) {
	e := &endpoint{}
	s := outbox.Sink("mail", e.deliver)
	a := prepared(t, s, 0, "one", "two")
	b := prepared(t, s, 1, "three")
	if len(e.received) > 0 {
		t.Fatalf("%v was delivered, and is only prepared", e.received)
	}
	if err := s.Abort(t.Context(), []sink.Committable{b}); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context(), []sink.Committable{a}); err != nil {
		t.Fatal(err)
	}
	if len(e.received) != 2 || !strings.HasSuffix(e.received[0], "-0 one") || !strings.HasSuffix(e.received[1], "-1 two") || !strings.HasPrefix(e.received[0], "mail-") {
		t.Errorf("delivered was %q", e.received)
	}
}

// Whoever commits again, in the same process or another, delivers with the same keys.
func TestARepeatedCommitHasTheSameKeys(t *testing.T) {
	first, again := &endpoint{}, &endpoint{}
	s := outbox.Sink("mail", first.deliver)
	all := []sink.Committable{prepared(t, s, 0, "one", "two"), prepared(t, s, 1, "one")}
	if err := errors.Join(s.Commit(t.Context(), all), outbox.Sink("mail", again.deliver).Commit(t.Context(), all)); err != nil {
		t.Fatal(err)
	}
	slices.Sort(first.received)
	slices.Sort(again.received)
	if !slices.Equal(first.received, again.received) {
		t.Errorf("first delivered was %q, then %q", first.received, again.received)
	}
	keys := map[string]bool{}
	for _, line := range first.received {
		key, _, _ := strings.Cut(line, " ")
		keys[key] = true
	}
	if len(keys) != 3 {
		t.Errorf("three elements have the keys %v", keys)
	}
}

// What was delivered before one was refused is not delivered again by the same process,
// and what is behind it is in its order.
func TestADeliveryThatFailsGoesOnWhereItWas(t *testing.T) {
	e := &endpoint{}
	down := 2
	e.refuse = func(v string) error {
		if v == "three" && down > 0 {
			down--
			return errDown
		}
		return nil
	}
	s := outbox.Sink("mail", e.deliver)
	all := []sink.Committable{prepared(t, s, 0, "one", "two", "three", "four"), prepared(t, s, 0, "five")}
	for range 2 {
		err := s.Commit(t.Context(), all)
		if !errors.Is(err, errDown) || !strings.Contains(err.Error(), "after 2 of the 4 elements of its batch") {
			t.Fatalf("the commit returned %v", err)
		}
	}
	if err := s.Commit(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, line := range e.received {
		_, v, _ := strings.Cut(line, " ")
		values = append(values, v)
	}
	if want := []string{"one", "two", "three", "four", "five"}; !slices.Equal(values, want) {
		t.Errorf("delivered was %v, want %v", values, want)
	}
}

func TestAFunctionThatPanicsOrEndsItsGoroutineHasDeliveredNothing(t *testing.T) {
	for name, deliver := range map[string]outbox.Deliver[string]{
		"panic: no":           func(context.Context, string, string) error { panic("no") },
		"ended its goroutine": func(context.Context, string, string) error { runtime.Goexit(); return nil },
		"delivering mail-":    func(context.Context, string, string) error { return errDown },
	} {
		s := outbox.Sink("mail", deliver)
		if err := s.Commit(t.Context(), []sink.Committable{prepared(t, s, 0, "one")}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("the commit returned %v, want %q", err, name)
		}
	}
}

// A batch that was written by another version of the program is not read as something else.
func TestABatchOfAnotherTypeIsRefused(t *testing.T) {
	s := outbox.Sink("mail", (&endpoint{}).deliver)
	c := prepared(t, s, 0, "one")
	other := outbox.Sink("mail", func(context.Context, string, int) error { return nil })
	if err := other.Commit(t.Context(), []sink.Committable{c}); err == nil || !strings.Contains(err.Error(), "root string") {
		t.Errorf("the commit returned %v", err)
	}
	c.Data = c.Data[:len(c.Data)-9]
	if err := s.Commit(t.Context(), []sink.Committable{c}); err == nil {
		t.Error("a batch that was cut short was committed")
	}
}

func TestMistakes(t *testing.T) {
	var p model.Pipeline
	transforms.Write(transforms.Create(&p, "a"), outbox.Sink[string]("", nil))
	transforms.Write(transforms.Map(transforms.Create(&p, "a"), func(string) func() { return nil }), outbox.Sink("f", func(context.Context, string, func()) error { return nil }))
	err := p.Err()
	for _, want := range []string{"the name that keys begin with is empty", "the function that delivers is nil", "elements cannot be kept until they are delivered"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the mistakes do not say %q: %v", want, err)
		}
	}
}

func ExampleSink() {
	var p model.Pipeline
	counts := transforms.Count(transforms.Create(&p, "a", "b", "a"))
	// A receiver that heeds keys, as one that is asked by HTTP with Idempotency-Key does.
	var mu sync.Mutex
	seen := map[string]bool{}
	post := func(_ context.Context, key string, c model.KV[string, int64]) error {
		mu.Lock()
		defer mu.Unlock()
		if !seen[key] {
			seen[key] = true
			fmt.Println(c.Key, c.Value)
		}
		return nil
	}
	transforms.Write(counts, outbox.Sink("counts", post))
	if err := direct.Run(context.Background(), &p); err != nil {
		fmt.Println(err)
	}
	// Unordered output:
	// a 2
	// b 1
}
