package fnapi

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"

	fnpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/fnexecution_v1"
)

// serveStatus answers what the engine's operators ask about the worker, if the engine has
// the service. A worker does without it.
func (w *worker) serveStatus() {
	if w.o.Status == "" {
		return
	}
	conn, err := w.connLocked(w.o.Status)
	if err != nil {
		w.logs.local(slog.LevelWarn, "the engine takes no worker status", slog.Any("error", err))
		return
	}
	w.running.Go(func() {
		stream, err := fnpb.NewBeamFnWorkerStatusClient(conn).WorkerStatus(w.ctx)
		for err == nil {
			var r *fnpb.WorkerStatusRequest
			if r, err = stream.Recv(); err == nil {
				err = stream.Send(&fnpb.WorkerStatusResponse{Id: r.GetId(), StatusInfo: w.status()})
			}
		}
	})
}

// status says what the worker is doing.
func (w *worker) status() string {
	w.mu.Lock()
	var lines []string
	for id, b := range w.bundles {
		lines = append(lines, fmt.Sprintf("bundle %s of stage %s: %d elements taken", id, b.desc.Proto.GetId(), b.reading.position()))
	}
	finalizers := len(w.finalizers)
	w.mu.Unlock()
	slices.Sort(lines)
	w.intake.mu.Lock()
	held, boxes := w.intake.held, len(w.intake.boxes)
	w.intake.mu.Unlock()
	return fmt.Sprintf("worker %s\n%s\ninput waiting: %d bytes of %d bundles\nto be finalized: %d bundles\n",
		w.o.ID, strings.Join(lines, "\n"), held, boxes, finalizers)
}
