package fnapi

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// logs takes records to the engine's log. It never makes a bundle wait: what does not fit
// is counted, and the count is logged.
type logs struct {
	w       *worker
	queue   chan *fnpb.LogEntry // nil if the engine has no log
	closing chan struct{}
	closed  chan struct{}
	dropped atomic.Int64
}

const (
	logQueue = 1024
	logBatch = 100 // records in a message
)

func newLogs(w *worker) *logs {
	l := &logs{w: w, closing: make(chan struct{}), closed: make(chan struct{})}
	if w.o.Logging == "" {
		close(l.closed)
		return l
	}
	l.queue = make(chan *fnpb.LogEntry, logQueue)
	go l.run()
	return l
}

// close sends what is queued, if the engine still takes it.
func (l *logs) close() {
	close(l.closing)
	<-l.closed
}

func (l *logs) run() {
	defer close(l.closed)
	// Records of a worker that ends are the ones that are needed most, so the channel does
	// not end with it.
	ctx, cancel := context.WithCancel(context.WithoutCancel(l.w.ctx))
	defer cancel()
	stream, err := l.open(ctx)
	if err != nil {
		l.local(slog.LevelWarn, "the engine takes no log records", slog.Any("error", err))
		return
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for {
			if _, err := stream.Recv(); err != nil { // log control, which has no content
				return
			}
		}
	}()
	l.send(stream, gone)
	_ = stream.CloseSend()
	select {
	case <-gone:
	case <-time.After(closeLogs):
	}
}

// closeLogs is how long an engine may take to close a log that has ended.
const closeLogs = time.Second

func (l *logs) open(ctx context.Context) (fnpb.BeamFnLogging_LoggingClient, error) {
	conn, err := l.w.connLocked(l.w.o.Logging)
	if err != nil {
		return nil, err
	}
	return fnpb.NewBeamFnLoggingClient(conn).Logging(ctx)
}

func (l *logs) send(stream fnpb.BeamFnLogging_LoggingClient, gone chan struct{}) {
	for {
		var first *fnpb.LogEntry
		select {
		case <-gone:
			return
		case first = <-l.queue:
		case <-l.closing:
			if len(l.queue) == 0 {
				return
			}
			first = <-l.queue
		}
		list := []*fnpb.LogEntry{first}
		for len(l.queue) > 0 && len(list) < logBatch {
			list = append(list, <-l.queue)
		}
		if n := l.dropped.Swap(0); n > 0 {
			list = append(list, &fnpb.LogEntry{Severity: fnpb.LogEntry_Severity_WARN, Timestamp: timestamppb.New(l.w.o.Now()),
				Message: strconv.FormatInt(n, 10) + " log records were dropped, as they came faster than the engine takes them"})
		}
		if stream.Send(&fnpb.LogEntry_List{LogEntries: list}) != nil {
			return
		}
	}
}

// local logs to where the process logs.
func (l *logs) local(level slog.Level, message string, attrs ...slog.Attr) {
	if h := l.w.o.Log; h != nil && h.Enabled(l.w.ctx, level) {
		r := slog.NewRecord(l.w.o.Now(), level, message, 0)
		r.AddAttrs(attrs...)
		_ = h.Handle(l.w.ctx, r)
	}
}

// Logger returns a logger whose records the engine shows with the transform and the
// bundle.
func (b *Bundle) Logger(transform string) *slog.Logger {
	if b.worker.logs.queue == nil && b.worker.o.Log != nil {
		return slog.New(b.worker.o.Log).With("worker", b.worker.o.ID, "bundle", b.id, "transform", transform)
	}
	return slog.New(&logHandler{logs: b.worker.logs, bundle: b.id, transform: transform})
}

// A logHandler makes entries of the engine's log out of records.
type logHandler struct {
	logs              *logs
	bundle, transform string
	attrs             []slog.Attr
	group             string
}

// Enabled implements [slog.Handler].
func (h *logHandler) Enabled(_ context.Context, level slog.Level) bool {
	return h.logs.queue != nil && level >= slog.LevelInfo
}

// WithAttrs implements [slog.Handler].
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.attrs = slices.Clone(h.attrs)
	for _, a := range attrs {
		c.attrs = append(c.attrs, slog.Attr{Key: h.group + a.Key, Value: a.Value})
	}
	return &c
}

// WithGroup implements [slog.Handler].
func (h *logHandler) WithGroup(name string) slog.Handler {
	c := *h
	c.group += name + "."
	return &c
}

// Handle implements [slog.Handler].
func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	e := &fnpb.LogEntry{
		Severity: severity(r.Level), Timestamp: timestamppb.New(r.Time), Message: r.Message,
		InstructionId: h.bundle, TransformId: h.transform,
	}
	if r.PC != 0 {
		f, _ := runtime.CallersFrames([]uintptr{r.PC}).Next()
		e.LogLocation = fmt.Sprintf("%s:%d", f.File, f.Line)
	}
	data := map[string]*structpb.Value{}
	for _, a := range h.attrs {
		data[a.Key] = structpb.NewStringValue(a.Value.String())
	}
	r.Attrs(func(a slog.Attr) bool {
		data[h.group+a.Key] = structpb.NewStringValue(a.Value.String())
		return true
	})
	if len(data) > 0 {
		e.CustomData = &structpb.Struct{Fields: data}
	}
	select {
	case h.logs.queue <- e:
	default:
		h.logs.dropped.Add(1)
	}
	return nil
}

func severity(l slog.Level) fnpb.LogEntry_Severity_Enum {
	switch {
	case l >= slog.LevelError:
		return fnpb.LogEntry_Severity_ERROR
	case l >= slog.LevelWarn:
		return fnpb.LogEntry_Severity_WARN
	case l >= slog.LevelInfo:
		return fnpb.LogEntry_Severity_INFO
	}
	return fnpb.LogEntry_Severity_DEBUG
}
