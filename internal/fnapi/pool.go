package fnapi

import (
	"context"
	"log/slog"
	"sync"

	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
	"google.golang.org/grpc"
)

// A Pool starts workers in this process as an engine asks for them: what Beam calls an
// external environment. The zero value is not of use; see [NewPool].
type Pool struct {
	fnpb.UnimplementedBeamFnExternalWorkerPoolServer

	ctx     context.Context
	options Options // of all workers, but for their ids and addresses

	mu      sync.Mutex
	workers map[string]*pooled
	running sync.WaitGroup
}

type pooled struct {
	stop context.CancelFunc
	done chan struct{}
}

// NewPool returns a pool whose workers end with ctx, and otherwise have these options.
func NewPool(ctx context.Context, o Options) *Pool {
	return &Pool{ctx: ctx, options: o, workers: map[string]*pooled{}}
}

// Register makes the pool a service of s.
func (p *Pool) Register(s *grpc.Server) { fnpb.RegisterBeamFnExternalWorkerPoolServer(s, p) }

// StartWorker implements the service. A worker whose id is asked for again is replaced: whoever had
// it is gone, since ids begin anew with each process of the engine.
func (p *Pool) StartWorker(ctx context.Context, r *fnpb.StartWorkerRequest) (*fnpb.StartWorkerResponse, error) {
	o := p.options
	o.ID = r.GetWorkerId()
	o.Control, o.Logging = r.GetControlEndpoint().GetUrl(), r.GetLoggingEndpoint().GetUrl()
	wctx, stop := context.WithCancel(p.ctx)
	w := &pooled{stop: stop, done: make(chan struct{})}
	p.mu.Lock()
	before := p.workers[o.ID]
	p.workers[o.ID] = w
	p.mu.Unlock()
	p.running.Go(func() {
		defer close(w.done)
		defer stop()
		if before != nil {
			before.stop()
			<-before.done
		}
		o.Status = statusAddress(wctx, o, r.GetProvisionEndpoint().GetUrl())
		err := Run(wctx, o)
		if err != nil && o.Log != nil {
			slog.New(o.Log).Error("worker ended", "worker", o.ID, "error", err)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.workers[o.ID] == w {
			delete(p.workers, o.ID)
		}
	})
	return &fnpb.StartWorkerResponse{}, nil
}

// statusAddress asks the engine where it takes the status of workers; "" is nowhere.
func statusAddress(ctx context.Context, o Options, provision string) string {
	if provision == "" {
		return ""
	}
	conn, err := o.Security.Dial(provision, o.Dial)
	if err != nil {
		return ""
	}
	defer conn.Close()
	info, err := fnpb.NewProvisionServiceClient(conn).GetProvisionInfo(withID(ctx, o.ID), &fnpb.GetProvisionInfoRequest{})
	if err != nil {
		return ""
	}
	return info.GetInfo().GetStatusEndpoint().GetUrl()
}

// StopWorker implements the service. It returns when nothing is left of the worker.
func (p *Pool) StopWorker(ctx context.Context, r *fnpb.StopWorkerRequest) (*fnpb.StopWorkerResponse, error) {
	p.mu.Lock()
	w := p.workers[r.GetWorkerId()]
	p.mu.Unlock()
	if w != nil {
		w.stop()
		select {
		case <-w.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return &fnpb.StopWorkerResponse{}, nil
}

// Wait returns when all workers have ended.
func (p *Pool) Wait() { p.running.Wait() }
