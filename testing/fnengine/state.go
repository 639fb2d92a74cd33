package fnengine

import (
	"fmt"
	"strconv"

	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
)

// A Bag names a bag of user state.
type Bag struct{ Transform, Cell, Key string }

// State is the bags of all stages, as bundles that were committed have left them. What
// an attempt writes only it sees.
type State struct {
	bags map[Bag][]byte
	// Page is how many bytes an answer has at most; 0 is no limit.
	Page int
	// Fail, if not nil, makes requests fail.
	Fail func(*fnpb.StateRequest) error
}

func newState() *State { return &State{bags: map[Bag][]byte{}} }

// Bag is what a bag holds.
func (e *Engine) Bag(b Bag) []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.State.bags[b]
}

// stateService serves the state channel; its method's name is taken in Engine.
type stateService struct {
	fnpb.UnimplementedBeamFnStateServer
	e *Engine
}

// State is the service's.
func (s stateService) State(c fnpb.BeamFnState_StateServer) error {
	for {
		m, err := c.Recv()
		if err != nil {
			return nil
		}
		if err := c.Send(s.e.serveState(m)); err != nil {
			return nil
		}
	}
}

func (e *Engine) serveState(m *fnpb.StateRequest) *fnpb.StateResponse {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := &fnpb.StateResponse{Id: m.GetId()}
	a := e.attempts[m.GetInstructionId()]
	key := m.GetStateKey().GetBagUserState()
	switch {
	case a == nil || a.answered:
		e.violation("a request of state for %q, which is no bundle or has been answered", m.GetInstructionId())
		out.Error = "no such bundle"
		return out
	case key == nil:
		out.Error = fmt.Sprintf("there is no state of the kind %T", m.GetStateKey().GetType())
		return out
	}
	if e.State.Fail != nil {
		if err := e.State.Fail(m); err != nil {
			out.Error = err.Error()
			return out
		}
	}
	bag := Bag{key.GetTransformId(), key.GetUserStateId(), string(key.GetKey())}
	switch r := m.GetRequest().(type) {
	case *fnpb.StateRequest_Get:
		out.Response = &fnpb.StateResponse_Get{Get: e.page(a.bag(bag), r.Get.GetContinuationToken())}
	case *fnpb.StateRequest_Append:
		a.bags[bag] = append(append([]byte(nil), a.bag(bag)...), r.Append.GetData()...)
		out.Response = &fnpb.StateResponse_Append{Append: &fnpb.StateAppendResponse{}}
	case *fnpb.StateRequest_Clear:
		a.bags[bag] = nil
		out.Response = &fnpb.StateResponse_Clear{Clear: &fnpb.StateClearResponse{}}
	default:
		out.Error = fmt.Sprintf("there is no request %T", r)
	}
	return out
}

// page is a part of all, from where continuation says.
func (e *Engine) page(all, continuation []byte) *fnpb.StateGetResponse {
	from, _ := strconv.Atoi(string(continuation))
	to := len(all)
	if e.State.Page > 0 {
		to = min(to, from+e.State.Page)
	}
	out := &fnpb.StateGetResponse{Data: all[from:to]}
	if to < len(all) {
		out.ContinuationToken = []byte(strconv.Itoa(to))
	}
	return out
}
