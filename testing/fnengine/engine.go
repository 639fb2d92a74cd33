// Package fnengine is an engine that speaks Beam's Fn API, as far as a worker can see one: for
// tests of what runs in workers.
//
// It does in process, over connections in memory, what Flink and Prism do over sockets, and what they
// do once a month: it runs attempts at bundles in any order and in several workers, splits them, lets them
// fail, throws away what they did, repeats them, gives cache tokens or not, cuts bags into
// pages, and sends garbage. A test says which, so that a seed replays.
//
// It is written from the protocol, and shares no code with the worker's end, so that the two can be held
// against each other. What a worker does that no engine would stand is kept in [Engine.Violations].
package fnengine

import (
	"context"
	"fmt"
	"net"
	"sync"

	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/test/bufconn"
)

// Address is what the engine calls itself.
const Address = "engine"

// An Engine serves workers until it is closed.
type Engine struct {
	fnpb.UnimplementedBeamFnControlServer
	fnpb.UnimplementedBeamFnDataServer
	fnpb.UnimplementedBeamFnLoggingServer
	fnpb.UnimplementedBeamFnWorkerStatusServer

	listener *bufconn.Listener
	server   *grpc.Server

	// State is what bundles have left.
	State *State

	mu          sync.Mutex
	changed     *sync.Cond
	workers     map[string]*Worker
	known       map[string]bool // that have been workers
	descriptors map[string]*fnpb.ProcessBundleDescriptor
	attempts    map[string]*Attempt
	next        int
	logs        []*fnpb.LogEntry
	violations  []string
	statuses    map[string]chan<- chan string
	closed      bool
}

// New starts an engine, whose server has these options, too.
func New(options ...grpc.ServerOption) *Engine {
	e := &Engine{
		listener: bufconn.Listen(1 << 20),
		server:   grpc.NewServer(append([]grpc.ServerOption{grpc.MaxRecvMsgSize(64 << 20)}, options...)...),
		State:    newState(),
		workers:  map[string]*Worker{}, known: map[string]bool{}, descriptors: map[string]*fnpb.ProcessBundleDescriptor{},
		attempts: map[string]*Attempt{}, statuses: map[string]chan<- chan string{},
	}
	e.changed = sync.NewCond(&e.mu)
	fnpb.RegisterBeamFnControlServer(e.server, e)
	fnpb.RegisterBeamFnDataServer(e.server, e)
	fnpb.RegisterBeamFnStateServer(e.server, stateService{e: e})
	fnpb.RegisterBeamFnLoggingServer(e.server, e)
	fnpb.RegisterBeamFnWorkerStatusServer(e.server, e)
	go func() { _ = e.server.Serve(e.listener) }()
	return e
}

// Dial connects to the engine.
func (e *Engine) Dial(ctx context.Context, _ string) (net.Conn, error) {
	return e.listener.DialContext(ctx)
}

// Close ends all workers.
func (e *Engine) Close() {
	e.mu.Lock()
	e.closed = true
	e.changed.Broadcast()
	e.mu.Unlock()
	e.server.Stop()
}

// Describe makes a stage known under the id of its descriptor.
func (e *Engine) Describe(d *fnpb.ProcessBundleDescriptor) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.descriptors[d.GetId()] = d
}

// GetProcessBundleDescriptor is the service's.
func (e *Engine) GetProcessBundleDescriptor(_ context.Context, r *fnpb.GetProcessBundleDescriptorRequest) (*fnpb.ProcessBundleDescriptor, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	d := e.descriptors[r.GetProcessBundleDescriptorId()]
	if d == nil {
		return nil, fmt.Errorf("there is no stage %q", r.GetProcessBundleDescriptorId())
	}
	return d, nil
}

// Violations are what workers did against the protocol, in order.
func (e *Engine) Violations() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.violations...)
}

// violation notes one; e.mu is held.
func (e *Engine) violation(format string, args ...any) {
	e.violations = append(e.violations, fmt.Sprintf(format, args...))
}

// Logs waits until there are n records, and returns all.
func (e *Engine) Logs(n int) []*fnpb.LogEntry {
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(e.logs) < n && !e.closed {
		e.changed.Wait()
	}
	return append([]*fnpb.LogEntry(nil), e.logs...)
}

// Logging is the service's.
func (e *Engine) Logging(s fnpb.BeamFnLogging_LoggingServer) error {
	for {
		list, err := s.Recv()
		if err != nil {
			return nil
		}
		e.mu.Lock()
		e.logs = append(e.logs, list.GetLogEntries()...)
		e.changed.Broadcast()
		e.mu.Unlock()
	}
}

// WorkerStatus is the service's.
func (e *Engine) WorkerStatus(s fnpb.BeamFnWorkerStatus_WorkerStatusServer) error {
	asks := make(chan chan string)
	e.mu.Lock()
	e.statuses[workerID(s.Context())] = asks
	e.changed.Broadcast()
	e.mu.Unlock()
	for {
		select {
		case <-s.Context().Done():
			return nil
		case answer := <-asks:
			if err := s.Send(&fnpb.WorkerStatusRequest{Id: "status"}); err != nil {
				return err
			}
			r, err := s.Recv()
			if err != nil {
				return err
			}
			answer <- r.GetStatusInfo()
		}
	}
}

// Status waits for what a worker says of itself.
func (e *Engine) Status(worker string) string {
	e.mu.Lock()
	for e.statuses[worker] == nil && !e.closed {
		e.changed.Wait()
	}
	asks := e.statuses[worker]
	e.mu.Unlock()
	answer := make(chan string, 1)
	asks <- answer
	return <-answer
}

// workerID is who calls.
func workerID(ctx context.Context) string {
	md, _ := metadata.FromIncomingContext(ctx)
	for _, id := range md.Get("worker_id") {
		return id
	}
	return ""
}

// Locked calls f while the engine answers nothing: for changes of what its hooks look at.
func (e *Engine) Locked(f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f()
}
