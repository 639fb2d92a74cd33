package fnapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// A Handler knows what an engine's stages are for.
type Handler interface {
	// Compile prepares to run a stage. It is called once in each worker that runs it; what it
	// makes is the worker's.
	Compile(d *Descriptor) (Processor, error)
}

// A Processor runs bundles of one stage, several at once.
type Processor interface {
	// Process works a bundle off, up to the end of its input. After an error, or a panic, the
	// engine does the bundle again, with the state of before it.
	Process(b *Bundle) error
	// Close is called when the worker ends, after all bundles.
	Close() error
}

// Options are what a worker is told as it starts.
type Options struct {
	// ID is the engine's name of the worker.
	ID string
	// Control, Logging and Status are addresses of the engine. The last two may be "": then
	// there is no such service.
	Control, Logging, Status string
	Handler                  Handler
	Security                 Security
	// Dial opens connections; nil is TCP.
	Dial Dialer
	// Log takes what the engine's log cannot; nil drops it.
	Log slog.Handler
	// InputLimit is how many bytes of input wait to be taken by bundles; 0 is 64 MiB.
	InputLimit int
	// Now is the clock; nil is the machine's.
	Now func() time.Time
}

const defaultInputLimit = 64 << 20

// A worker is one end of the protocol, under one id. It ends with its control channel.
type worker struct {
	o       Options
	ctx     context.Context // of all its calls, with its id in the metadata
	cancel  context.CancelCauseFunc
	running sync.WaitGroup // all goroutines, but that of Run
	intake  *intake
	metrics metricIDs
	logs    *logs
	control *controlStream

	mu      sync.Mutex
	conns   map[string]*grpc.ClientConn
	datas   map[string]*dataStream
	states  map[string]*stateStream
	stages  map[string]*stage
	bundles map[string]*Bundle
	// finalizers are what is still to be called, by bundle.
	finalizers map[string]finalizer
}

// Run serves an engine as one worker, until ctx is done or the engine ends it, which is no
// error. When it returns, nothing of the worker is left.
func Run(ctx context.Context, o Options) error {
	if o.InputLimit == 0 {
		o.InputLimit = defaultInputLimit
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	ctx, cancel := context.WithCancelCause(withID(ctx, o.ID))
	w := &worker{o: o, ctx: ctx, cancel: cancel, intake: newIntake(o.InputLimit),
		conns: map[string]*grpc.ClientConn{}, datas: map[string]*dataStream{}, states: map[string]*stateStream{},
		stages: map[string]*stage{}, bundles: map[string]*Bundle{}, finalizers: map[string]finalizer{}}
	w.logs = newLogs(w)
	err := w.serve()
	w.fail(io.EOF) // what is still being done is for nobody
	w.running.Wait()
	w.logs.close()
	return errors.Join(err, w.close())
}

// withID has calls say which worker they are of.
func withID(ctx context.Context, id string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "worker_id", id)
}

// errEnded is why nothing goes on in a worker that the engine ended.
var errEnded = errors.New("fnapi: the engine has ended this worker")

func (w *worker) serve() error {
	conn, err := w.connLocked(w.o.Control)
	if err != nil {
		return err
	}
	stream, err := fnpb.NewBeamFnControlClient(conn).Control(w.ctx)
	if err != nil {
		return fmt.Errorf("fnapi: worker %s cannot reach the engine at %s: %w", w.o.ID, w.o.Control, err)
	}
	w.control = &controlStream{stream: stream, client: fnpb.NewBeamFnControlClient(conn)}
	w.serveStatus()
	for {
		request, err := stream.Recv()
		if err == nil {
			w.instruct(request)
			continue
		}
		if cause := context.Cause(w.ctx); cause != nil {
			return ifNot(cause, context.Canceled)
		}
		if errors.Is(err, io.EOF) || status.Code(err) == codes.Canceled {
			return nil
		}
		return fmt.Errorf("fnapi: worker %s lost the engine at %s: %w", w.o.ID, w.o.Control, err)
	}
}

// ifNot is err, unless it is only not.
func ifNot(err, not error) error {
	if errors.Is(err, not) {
		return nil
	}
	return err
}

// fail ends the worker, for that reason unless there was one before.
func (w *worker) fail(err error) {
	w.cancel(err)
	w.intake.fail(errEnded)
}

// conn returns the connection to url; w.mu is held.
func (w *worker) conn(url string) (*grpc.ClientConn, error) {
	if c := w.conns[url]; c != nil {
		return c, nil
	}
	c, err := w.o.Security.Dial(url, w.o.Dial)
	if err != nil {
		return nil, fmt.Errorf("fnapi: the address %q: %w", url, err)
	}
	w.conns[url] = c
	return c, nil
}

func (w *worker) connLocked(url string) (*grpc.ClientConn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.conn(url)
}

func (w *worker) close() error {
	var errs []error
	for _, s := range w.stages {
		if s.processor != nil {
			errs = append(errs, s.processor.Close())
		}
	}
	for _, c := range w.conns {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}
