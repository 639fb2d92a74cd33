package fnapi_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"

	"github.com/millrace/millrace/internal/fnapi"
	"github.com/millrace/millrace/testing/fnengine"
)

// summing keeps a sum for each key, in a bag of what was added and, as long as a token holds, in
// memory. It is what a stage with state does, at its smallest.
type summing struct {
	mu     sync.Mutex
	copies map[string]int // token and key
}

// errPoison is what summing does with the value "poison".
var errPoison = errors.New("poison")

func (s *summing) Close() error { return nil }

func (s *summing) Process(b *fnapi.Bundle) error {
	added := map[string]int{}
	for {
		in, err := b.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		key, rest, _ := fnapi.CutBytes(in.Value)
		value, _, _ := fnapi.CutBytes(rest)
		if string(value) == "poison" {
			return errPoison
		}
		n, err := strconv.Atoi(string(value))
		if err != nil {
			return err
		}
		added[string(key)] += n
	}
	token, cached := b.CacheToken()
	sums := map[string]int{}
	for _, key := range slices.Sorted(maps.Keys(added)) {
		bag := fnapi.Bag{Transform: "t", Cell: "log", Key: fnapi.AppendBytes(nil, []byte(key))}
		sum, err := s.load(b, bag, string(token)+"/"+key, cached)
		if err != nil {
			return err
		}
		sums[key] = sum + added[key]
		b.Append(bag, fmt.Appendf(nil, "%d\n", added[key]))
		v := fnapi.AppendBytes(fnapi.AppendBytes(nil, []byte(key)), strconv.AppendInt(nil, int64(sums[key]), 10))
		if err := b.Output(fnengine.Out).Write(0, v); err != nil {
			return err
		}
	}
	b.OnEnd(func(err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for key, sum := range sums {
			if err == nil && cached {
				s.copies[string(token)+"/"+key] = sum
			}
		}
	})
	return nil
}

func (s *summing) load(b *fnapi.Bundle, bag fnapi.Bag, name string, cached bool) (int, error) {
	s.mu.Lock()
	sum, ok := s.copies[name]
	s.mu.Unlock()
	if ok && cached {
		return sum, nil
	}
	data, err := b.Get(bag).Bytes()
	if err != nil {
		return 0, err
	}
	return total(string(data)), nil
}

// total is the sum of the numbers of a log.
func total(log string) (sum int) {
	for line := range strings.Lines(log) {
		n, _ := strconv.Atoi(strings.TrimSpace(line))
		sum += n
	}
	return sum
}

type summingHandler struct{}

func (summingHandler) Compile(*fnapi.Descriptor) (fnapi.Processor, error) {
	return &summing{copies: map[string]int{}}, nil
}

// A trial is one seed: bundles of random elements, each tried in random ways until it is
// committed.
type trial struct {
	*rand.Rand
	t       *testing.T
	engine  *fnengine.Engine
	workers []*fnengine.Worker
	start   func(id string) *fnengine.Worker
	refuse  bool // state, in the attempt at hand

	owner   *fnengine.Worker // of all keys
	token   []byte
	tokens  int
	want    map[string]int
	emitted map[string]int
}

func TestSumsAreExactWhateverHappensToBundles(t *testing.T) {
	seeds := 100
	if testing.Short() {
		seeds = 10
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { runTrial(t, uint64(seed)) })
	}
}

func runTrial(t *testing.T, seed uint64) {
	engine := fnengine.New()
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	tr := &trial{Rand: rand.New(rand.NewPCG(seed, 0)), t: t, engine: engine, want: map[string]int{}, emitted: map[string]int{}}
	tr.start = func(id string) *fnengine.Worker {
		running.Go(func() {
			err := fnapi.Run(ctx, fnapi.Options{ID: id, Control: fnengine.Address, Handler: summingHandler{}, Dial: engine.Dial})
			if err != nil {
				t.Errorf("worker %s: %v", id, err)
			}
		})
		return engine.Worker(id)
	}
	defer func() {
		stop()
		running.Wait()
		engine.Close()
		for _, v := range engine.Violations() {
			t.Error("violation of the protocol:", v)
		}
	}()
	engine.State.Page = tr.IntN(20)
	engine.State.Fail = func(*fnpb.StateRequest) error {
		if tr.refuse {
			return errors.New("refused")
		}
		return nil
	}
	engine.Describe(fnengine.Stage{ID: "sum", Transform: "t", Bags: []string{"log"}}.Descriptor())
	for i := range 2 {
		tr.workers = append(tr.workers, tr.start(fmt.Sprint("w", i)))
	}
	tr.move()
	for range 20 {
		tr.bundle()
	}
	for key, want := range tr.want {
		log := string(engine.Bag(fnengine.Bag{Transform: "t", Cell: "log", Key: "\x02" + key}))
		if got := total(log); got != want || tr.emitted[key] != want {
			t.Errorf("key %s: %d in state, %d emitted, want %d", key, got, tr.emitted[key], want)
		}
	}
}

// move hands the keys to a worker, and with them a new token, or none.
func (tr *trial) move() {
	tr.owner = tr.workers[tr.IntN(len(tr.workers))]
	tr.token = nil
	if tr.tokens++; tr.IntN(3) > 0 {
		tr.token = fmt.Append(nil, "token ", tr.tokens)
	}
}

// bundle makes elements, and has them worked off; what is split off is a bundle of its own.
func (tr *trial) bundle() {
	var todo []fnengine.KV
	for range tr.IntN(8) {
		e := fnengine.KV{Key: fmt.Sprint("k", tr.IntN(4)), Value: strconv.Itoa(tr.IntN(100))}
		n, _ := strconv.Atoi(e.Value)
		tr.want[e.Key] += n
		todo = append(todo, e)
	}
	for len(todo) > 0 {
		todo = tr.attempt(todo)
		if tr.IntN(5) == 0 {
			tr.move()
		}
	}
}

// attempt tries to work off elements, in one of the ways that there are, and returns those
// that are still to be worked off.
func (tr *trial) attempt(todo []fnengine.KV) (left []fnengine.KV) {
	const poison, refuse, kill, discard, commit = 0, 1, 2, 3, 4
	how := tr.IntN(9)
	a := tr.owner.Begin("sum", tr.token)
	cut := tr.IntN(len(todo) + 1)
	tr.engineRefuses(how == refuse)
	_ = a.Send(fnengine.In, fnengine.Encode(todo[:cut]...))
	switch how {
	case poison:
		_ = a.Send(fnengine.In, fnengine.Encode(fnengine.KV{Value: "poison"}))
	case kill:
		tr.owner.Kill()
		i := slices.Index(tr.workers, tr.owner)
		tr.workers[i] = tr.start(fmt.Sprint("w", i, " after ", tr.tokens))
		tr.move()
		return todo
	}
	size := len(todo)
	if tr.IntN(3) == 0 {
		got, err := a.Split(fnengine.In, tr.Float64(), int64(len(todo)))
		if err == nil && len(got.GetChannelSplits()) == 1 {
			size = int(got.GetChannelSplits()[0].GetFirstResidualElement())
		}
	}
	_ = a.Send(fnengine.In, fnengine.Encode(todo[cut:]...))
	_ = a.End()
	_, err := a.Result()
	tr.engineRefuses(false)
	if how >= commit && err != nil {
		tr.t.Errorf("a bundle failed: %v", err)
	}
	if err != nil || how == discard {
		tr.move() // engines begin anew after a failure, and so do tokens
		return todo
	}
	a.Commit()
	for _, e := range fnengine.Decode(a.Output(fnengine.Out)) {
		tr.emitted[e.Key], _ = strconv.Atoi(e.Value)
	}
	return todo[size:]
}

func (tr *trial) engineRefuses(yes bool) { tr.engine.Locked(func() { tr.refuse = yes }) }
