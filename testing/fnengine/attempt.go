package fnengine

import (
	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
	pipepb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/pipeline_v1"
	"google.golang.org/protobuf/proto"
)

// An end is where a stage emits: a sink, or timers that it sets.
type end struct{ transform, family string }

// An Attempt is a bundle on its way through a worker. What it did counts once it is committed, and
// never, if it is not.
type Attempt struct {
	// ID is the instruction's.
	ID string

	w     *Worker
	desc  *fnpb.ProcessBundleDescriptor
	wait  func() (*fnpb.InstructionResponse, error)
	ins   map[end]bool
	ends  map[end]bool
	token []byte

	// Guarded by the engine's mu.
	out      map[end][]byte
	closed   map[end]bool
	bags     map[Bag][]byte // that it wrote
	answered bool
}

// Begin has the worker begin with a bundle of a stage, which must have been described. A token of nil
// is none.
func (w *Worker) Begin(stage string, token []byte) *Attempt {
	a := w.Attempt(stage, token)
	a.Start()
	return a
}

// Attempt makes one that the worker is not told of before Start: its data may come first.
func (w *Worker) Attempt(stage string, token []byte) *Attempt {
	w.e.mu.Lock()
	desc := w.e.descriptors[stage]
	w.e.mu.Unlock()
	a := &Attempt{ID: w.e.newID("bundle"), w: w, desc: desc, token: token, ins: map[end]bool{}, ends: map[end]bool{},
		out: map[end][]byte{}, closed: map[end]bool{}, bags: map[Bag][]byte{}}
	for id, t := range desc.GetTransforms() {
		switch t.GetSpec().GetUrn() {
		case urnSource:
			a.ins[end{transform: id}] = true
		case urnSink:
			a.ends[end{transform: id}] = true
		default:
			for family := range pardo(t).GetTimerFamilySpecs() {
				a.ins[end{id, family}], a.ends[end{id, family}] = true, true
			}
		}
	}
	w.e.mu.Lock()
	w.e.attempts[a.ID] = a
	w.e.mu.Unlock()
	return a
}

// Start tells the worker.
func (a *Attempt) Start() {
	r := &fnpb.ProcessBundleRequest{ProcessBundleDescriptorId: a.desc.GetId()}
	if a.token != nil {
		r.CacheTokens = []*fnpb.ProcessBundleRequest_CacheToken{{
			Token: a.token,
			Type:  &fnpb.ProcessBundleRequest_CacheToken_UserState_{UserState: &fnpb.ProcessBundleRequest_CacheToken_UserState{}},
		}}
	}
	a.wait = a.w.ask(a.ID, &fnpb.InstructionRequest{Request: &fnpb.InstructionRequest_ProcessBundle{ProcessBundle: r}})
}

func pardo(t *pipepb.PTransform) *pipepb.ParDoPayload {
	var p pipepb.ParDoPayload
	_ = proto.Unmarshal(t.GetSpec().GetPayload(), &p) // of another kind, it has no timers
	return &p
}

// Send sends a block of elements, encoded, to a port.
func (a *Attempt) Send(port string, elements []byte) error {
	return a.w.Send(&fnpb.Elements{Data: []*fnpb.Elements_Data{{InstructionId: a.ID, TransformId: port, Data: elements}}})
}

// Fire sends a block of timers, encoded, to a transform.
func (a *Attempt) Fire(transform, family string, timers []byte) error {
	return a.w.Send(&fnpb.Elements{Timers: []*fnpb.Elements_Timers{{InstructionId: a.ID, TransformId: transform, TimerFamilyId: family, Timers: timers}}})
}

// End says that nothing more will be sent.
func (a *Attempt) End() error {
	m := &fnpb.Elements{}
	for in := range a.ins {
		if in.family == "" {
			m.Data = append(m.Data, &fnpb.Elements_Data{InstructionId: a.ID, TransformId: in.transform, IsLast: true})
		} else {
			m.Timers = append(m.Timers, &fnpb.Elements_Timers{InstructionId: a.ID, TransformId: in.transform, TimerFamilyId: in.family, IsLast: true})
		}
	}
	return a.w.Send(m)
}

// Result waits for the answer and, if it is a success, for all output.
func (a *Attempt) Result() (*fnpb.ProcessBundleResponse, error) {
	m, err := a.wait()
	if err != nil {
		return nil, err
	}
	e := a.w.e
	e.mu.Lock()
	defer e.mu.Unlock()
	for to := range a.ends {
		for !a.closed[to] && !e.closed && e.workers[a.w.id] == a.w {
			e.changed.Wait()
		}
		if !a.closed[to] {
			return nil, errGone
		}
	}
	return m.GetProcessBundle(), nil
}

// Commit makes what the attempt wrote the state of the stage.
func (a *Attempt) Commit() {
	a.w.e.mu.Lock()
	defer a.w.e.mu.Unlock()
	for b, data := range a.bags {
		if data == nil {
			delete(a.w.e.State.bags, b)
			continue
		}
		a.w.e.State.bags[b] = data
	}
}

// Output is what the attempt has emitted to a sink, encoded.
func (a *Attempt) Output(sink string) []byte { return a.emitted(end{transform: sink}) }

// Timers are those that the attempt has set, encoded.
func (a *Attempt) Timers(transform, family string) []byte { return a.emitted(end{transform, family}) }

func (a *Attempt) emitted(to end) []byte {
	a.w.e.mu.Lock()
	defer a.w.e.mu.Unlock()
	return a.out[to]
}

// bag is what the attempt sees; the engine's mu is held.
func (a *Attempt) bag(b Bag) []byte {
	if data, ok := a.bags[b]; ok {
		return data
	}
	return a.w.e.State.bags[b]
}

// Split asks for a part of what is left of a port's elements: the worker is to keep fraction,
// and knows of that many elements in all.
func (a *Attempt) Split(port string, fraction float64, elements int64) (*fnpb.ProcessBundleSplitResponse, error) {
	m, err := a.w.Ask(&fnpb.InstructionRequest{Request: &fnpb.InstructionRequest_ProcessBundleSplit{ProcessBundleSplit: &fnpb.ProcessBundleSplitRequest{
		InstructionId: a.ID, DesiredSplits: map[string]*fnpb.ProcessBundleSplitRequest_DesiredSplit{
			port: {FractionOfRemainder: fraction, EstimatedInputElements: elements},
		}}}})
	return m.GetProcessBundleSplit(), err
}

// Progress asks how far the bundle is.
func (a *Attempt) Progress() (*fnpb.ProcessBundleProgressResponse, error) {
	m, err := a.w.Ask(&fnpb.InstructionRequest{Request: &fnpb.InstructionRequest_ProcessBundleProgress{ProcessBundleProgress: &fnpb.ProcessBundleProgressRequest{InstructionId: a.ID}}})
	return m.GetProcessBundleProgress(), err
}

// Finalize says that what the bundle did is durable.
func (a *Attempt) Finalize() error {
	_, err := a.w.Ask(&fnpb.InstructionRequest{Request: &fnpb.InstructionRequest_FinalizeBundle{FinalizeBundle: &fnpb.FinalizeBundleRequest{InstructionId: a.ID}}})
	return err
}
