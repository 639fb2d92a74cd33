package fnapi

import (
	"errors"
	"fmt"
	"strconv"
	"sync"

	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
)

// A Bag names a bag of user state.
type Bag struct {
	Transform, Cell string
	// Key is encoded, with its length where its coder is "bytes": as it stands in an element.
	Key []byte
}

func (g Bag) proto() *fnpb.StateKey {
	return &fnpb.StateKey{Type: &fnpb.StateKey_BagUserState_{BagUserState: &fnpb.StateKey_BagUserState{
		TransformId: g.Transform, UserStateId: g.Cell, Key: g.Key, // and of the global window, which is no byte
	}}}
}

// largestBag is what a read takes in, at most: an engine whose answers never end must not
// take all memory.
const largestBag = 2 << 30

// A Read is on its way, or has its answer.
type Read struct {
	b    *Bundle
	bag  Bag
	done chan *fnpb.StateResponse
}

// Get begins to read a bag. Reads and writes of a bundle are done by the engine in the
// order in which they were begun.
func (b *Bundle) Get(bag Bag) *Read {
	r := &Read{b: b, bag: bag}
	r.ask(nil)
	return r
}

func (r *Read) ask(continuation []byte) {
	r.done = make(chan *fnpb.StateResponse, 1)
	done := r.done
	r.b.request(r.bag, &fnpb.StateRequest{Request: &fnpb.StateRequest_Get{
		Get: &fnpb.StateGetRequest{ContinuationToken: continuation},
	}}, func(answer *fnpb.StateResponse) { done <- answer })
}

// Bytes waits for what the bag holds: the encoded values, one after the other. It is called
// once.
func (r *Read) Bytes() ([]byte, error) {
	var all []byte
	for {
		answer := <-r.done
		if answer.GetError() != "" {
			return nil, r.b.stateError("reading", r.bag, errors.New(answer.GetError()))
		}
		got := answer.GetGet()
		if got == nil {
			return nil, r.b.stateError("reading", r.bag, errors.New("the engine sent an answer to something else"))
		}
		if len(all)+len(got.GetData()) > largestBag {
			return nil, r.b.stateError("reading", r.bag, fmt.Errorf("it has more than %d bytes", largestBag))
		}
		next := got.GetContinuationToken()
		if all == nil && len(next) == 0 {
			return got.GetData(), nil
		}
		all = append(all, got.GetData()...)
		if len(next) == 0 {
			return all, nil
		}
		r.ask(next)
	}
}

// Append adds to a bag: values, encoded one after the other. It does not wait; the bundle
// fails if it fails. The engine's copy is not to be changed: data is the bundle's from now on.
func (b *Bundle) Append(bag Bag, data []byte) {
	b.write("appending to", bag, &fnpb.StateRequest{Request: &fnpb.StateRequest_Append{Append: &fnpb.StateAppendRequest{Data: data}}})
}

// Clear empties a bag. It does not wait; the bundle fails if it fails.
func (b *Bundle) Clear(bag Bag) {
	b.write("clearing", bag, &fnpb.StateRequest{Request: &fnpb.StateRequest_Clear{Clear: &fnpb.StateClearRequest{}}})
}

func (b *Bundle) write(doing string, bag Bag, r *fnpb.StateRequest) {
	b.writes.Add(1)
	b.request(bag, r, func(answer *fnpb.StateResponse) {
		if answer.GetError() != "" {
			b.writeFailed.CompareAndSwap(nil, b.stateError(doing, bag, errors.New(answer.GetError())))
		}
		b.writes.Done()
	})
}

func (b *Bundle) stateError(doing string, bag Bag, err error) *stateError {
	return &stateError{doing: doing, bag: bag, err: err}
}

type stateError struct {
	doing string
	bag   Bag
	err   error
}

func (e *stateError) Error() string {
	return fmt.Sprintf("fnapi: %s the state %q of key %x of transform %s: %v", e.doing, e.bag.Cell, e.bag.Key, e.bag.Transform, e.err)
}

func (e *stateError) Unwrap() error { return e.err }

// request sends a request; answered is called once, by another goroutine, whatever
// happens.
func (b *Bundle) request(bag Bag, r *fnpb.StateRequest, answered func(*fnpb.StateResponse)) {
	s, err := b.worker.state(b.desc.stateURL)
	if err != nil {
		answered(&fnpb.StateResponse{Error: err.Error()})
		return
	}
	r.InstructionId, r.StateKey = b.id, bag.proto()
	s.send(r, answered)
}

// A stateStream is the state channel to one address, shared by all bundles of a worker.
type stateStream struct {
	url     string
	sending sync.Mutex // taken before mu
	stream  fnpb.BeamFnState_StateClient

	mu      sync.Mutex
	next    int64
	pending map[string]func(*fnpb.StateResponse)
	err     error
}

// state returns the state channel to url, opening it if there is none.
func (w *worker) state(url string) (*stateStream, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s := w.states[url]; s != nil {
		return s, nil
	}
	if url == "" {
		return nil, errors.New("the engine has no place for the state of this stage")
	}
	conn, err := w.conn(url)
	if err != nil {
		return nil, err
	}
	stream, err := fnpb.NewBeamFnStateClient(conn).State(w.ctx)
	if err != nil {
		return nil, fmt.Errorf("opening the state channel to %s: %w", url, err)
	}
	s := &stateStream{url: url, stream: stream, pending: map[string]func(*fnpb.StateResponse){}}
	w.states[url] = s
	w.running.Go(func() {
		err := s.receive()
		w.mu.Lock()
		delete(w.states, url)
		w.mu.Unlock()
		s.fail(fmt.Errorf("the state channel to %s ended: %w", url, err))
	})
	return s, nil
}

func (s *stateStream) send(r *fnpb.StateRequest, answered func(*fnpb.StateResponse)) {
	s.sending.Lock() // so that requests leave in the order of their numbers
	defer s.sending.Unlock()
	s.mu.Lock()
	if s.err != nil {
		s.mu.Unlock()
		answered(&fnpb.StateResponse{Error: s.err.Error()})
		return
	}
	s.next++
	r.Id = strconv.FormatInt(s.next, 36)
	s.pending[r.Id] = answered
	s.mu.Unlock()
	if err := s.stream.Send(r); err != nil {
		s.fail(fmt.Errorf("sending to %s: %w", s.url, err))
	}
}

// receive hands answers out until the channel ends.
func (s *stateStream) receive() error {
	for {
		m, err := s.stream.Recv()
		if err != nil {
			return err
		}
		s.mu.Lock()
		answered := s.pending[m.GetId()]
		delete(s.pending, m.GetId())
		s.mu.Unlock()
		if answered != nil { // else nobody asked
			answered(m)
		}
	}
}

// fail answers all that is pending, and all that will be asked.
func (s *stateStream) fail(err error) {
	s.mu.Lock()
	if s.err == nil {
		s.err = err
	}
	pending := s.pending
	s.pending = map[string]func(*fnpb.StateResponse){}
	s.mu.Unlock()
	for _, answered := range pending {
		answered(&fnpb.StateResponse{Error: err.Error()})
	}
}
