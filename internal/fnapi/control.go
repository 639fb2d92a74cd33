package fnapi

import (
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
)

// A controlStream takes answers of several goroutines.
type controlStream struct {
	client fnpb.BeamFnControlClient
	mu     sync.Mutex // of sending
	stream fnpb.BeamFnControl_ControlClient
}

// answer sends an answer. If it cannot, the stream is broken, which whoever receives sees.
func (c *controlStream) answer(id string, a *fnpb.InstructionResponse, err error) {
	if a == nil {
		a = &fnpb.InstructionResponse{}
	}
	a.InstructionId = id
	if err != nil {
		a.Error = err.Error()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.stream.Send(a)
}

// A stage is a descriptor and what runs it.
type stage struct {
	once      sync.Once
	known     *fnpb.ProcessBundleDescriptor // as registered; nil is to be fetched
	desc      *Descriptor
	processor Processor
	err       error
}

// A finalizer is what a bundle left to be called.
type finalizer struct {
	call func() error
	by   time.Time
}

// instruct does what the engine asks for. Whatever may take time is done by another
// goroutine, since bundles are to be split while others wait for input.
func (w *worker) instruct(r *fnpb.InstructionRequest) {
	id := r.GetInstructionId()
	switch r := r.GetRequest().(type) {
	case *fnpb.InstructionRequest_ProcessBundle:
		w.running.Go(func() { w.process(id, r.ProcessBundle) })
	case *fnpb.InstructionRequest_FinalizeBundle:
		w.running.Go(func() {
			err := w.finalize(r.FinalizeBundle.GetInstructionId())
			w.control.answer(id, &fnpb.InstructionResponse{Response: &fnpb.InstructionResponse_FinalizeBundle{FinalizeBundle: &fnpb.FinalizeBundleResponse{}}}, err)
		})
	case *fnpb.InstructionRequest_ProcessBundleSplit:
		// By itself, since it waits for whoever is splitting the element.
		w.running.Go(func() {
			got := &fnpb.ProcessBundleSplitResponse{}
			err := w.ask(r.ProcessBundleSplit.GetInstructionId(), func(b *Bundle) { got = b.split(r.ProcessBundleSplit) })
			w.control.answer(id, &fnpb.InstructionResponse{Response: &fnpb.InstructionResponse_ProcessBundleSplit{ProcessBundleSplit: got}}, err)
		})
	default:
		a, err := w.answer(r)
		w.control.answer(id, a, err)
	}
}

// answer does what takes no time.
func (w *worker) answer(request any) (*fnpb.InstructionResponse, error) {
	switch r := request.(type) {
	case *fnpb.InstructionRequest_Register:
		for _, d := range r.Register.GetProcessBundleDescriptor() {
			w.stage(d.GetId(), d)
		}
		return &fnpb.InstructionResponse{Response: &fnpb.InstructionResponse_Register{Register: &fnpb.RegisterResponse{}}}, nil
	case *fnpb.InstructionRequest_ProcessBundleProgress:
		got := &fnpb.ProcessBundleProgressResponse{}
		err := w.ask(r.ProcessBundleProgress.GetInstructionId(), func(b *Bundle) {
			got.MonitoringInfos, got.MonitoringData = b.meters.report()
		})
		return &fnpb.InstructionResponse{Response: &fnpb.InstructionResponse_ProcessBundleProgress{ProcessBundleProgress: got}}, err
	case *fnpb.InstructionRequest_MonitoringInfos:
		return &fnpb.InstructionResponse{Response: &fnpb.InstructionResponse_MonitoringInfos{MonitoringInfos: &fnpb.MonitoringInfosMetadataResponse{
			MonitoringInfo: w.metrics.lookup(r.MonitoringInfos.GetMonitoringInfoId()),
		}}}, nil
	case *fnpb.InstructionRequest_HarnessMonitoringInfos:
		return &fnpb.InstructionResponse{Response: &fnpb.InstructionResponse_HarnessMonitoringInfos{HarnessMonitoringInfos: &fnpb.HarnessMonitoringInfosResponse{}}}, nil
	}
	return nil, fmt.Errorf("fnapi: this worker does not know the request %T", request)
}

// ask has f look at a bundle that is being processed. For one that is not, the answer is
// empty: it may just have ended.
func (w *worker) ask(id string, f func(*Bundle)) error {
	w.mu.Lock()
	b := w.bundles[id]
	w.mu.Unlock()
	if b == nil {
		return nil
	}
	return guard(func() error { f(b); return nil })
}

// stage returns the stage of a descriptor, noting it if it was sent.
func (w *worker) stage(id string, sent *fnpb.ProcessBundleDescriptor) *stage {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.stages[id]
	if s == nil {
		s = &stage{known: sent}
		w.stages[id] = s
	}
	return s
}

// compiled returns a stage that is ready to process bundles, or why there is none.
func (w *worker) compiled(id string) (*stage, error) {
	s := w.stage(id, nil)
	s.once.Do(func() { s.err = guard(func() error { return w.compile(s, id) }) })
	return s, s.err
}

func (w *worker) compile(s *stage, id string) (err error) {
	if s.known == nil {
		s.known, err = w.control.client.GetProcessBundleDescriptor(w.ctx, &fnpb.GetProcessBundleDescriptorRequest{ProcessBundleDescriptorId: id})
		if err != nil {
			return fmt.Errorf("fnapi: the engine does not say what the stage %s is: %w", id, err)
		}
	}
	if s.desc, err = newDescriptor(s.known); err != nil {
		return err
	}
	s.processor, err = w.o.Handler.Compile(s.desc)
	return err
}

// process runs one attempt at a bundle, and answers.
func (w *worker) process(id string, r *fnpb.ProcessBundleRequest) {
	s, err := w.compiled(r.GetProcessBundleDescriptorId())
	if err != nil {
		w.control.answer(id, nil, err)
		return
	}
	b := newBundle(w.ctx, w, id, s.desc, r)
	if err = b.open(r.GetElements()); err == nil {
		w.mu.Lock()
		w.bundles[id] = b
		w.mu.Unlock()
		err = guard(func() error { return s.processor.Process(b) })
	}
	if err == nil {
		err = b.finish()
	}
	if e := guard(func() error { b.ended(err); return nil }); err == nil {
		err = e
	}
	if b.box != nil {
		b.box.end()
	}
	w.mu.Lock()
	delete(w.bundles, id)
	w.mu.Unlock()
	w.control.answer(id, b.response(err), err)
}

func (b *Bundle) response(err error) *fnpb.InstructionResponse {
	if err != nil {
		return nil
	}
	out := &fnpb.ProcessBundleResponse{ResidualRoots: b.residuals}
	out.MonitoringInfos, out.MonitoringData = b.meters.report()
	if b.finalize != nil {
		out.RequiresFinalization = true
		b.worker.finalizeLater(b)
	}
	return &fnpb.InstructionResponse{Response: &fnpb.InstructionResponse_ProcessBundle{ProcessBundle: out}}
}

// finalizeLater keeps what b left to be called, and lets go of what it is too late for.
func (w *worker) finalizeLater(b *Bundle) {
	now := w.o.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, f := range w.finalizers {
		if f.by.Before(now) {
			delete(w.finalizers, id)
		}
	}
	w.finalizers[b.id] = finalizer{b.finalize, b.finalizeBy}
}

// finalize calls what a bundle left; an engine may say again what it has said.
func (w *worker) finalize(id string) error {
	w.mu.Lock()
	f := w.finalizers[id]
	delete(w.finalizers, id)
	w.mu.Unlock()
	if f.call == nil {
		return nil
	}
	return guard(f.call)
}

// guard makes an error of whatever f ends with. It has a goroutine of its own, as
// runtime.Goexit, which t.FailNow calls, ends the one that calls it.
func guard(f func() error) error {
	done := make(chan error, 1)
	go func() {
		err := errors.New("fnapi: the goroutine of the bundle was ended by runtime.Goexit")
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("fnapi: panic: %v\n%s", p, debug.Stack())
			}
			done <- err
		}()
		err = f()
	}()
	return <-done
}
