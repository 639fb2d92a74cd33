package millrace

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
)

// Signals is what a program's signals amount to: the first closes Stop, for a
// graceful end, the second cancels Context.
type Signals struct {
	Context context.Context
	Stop    <-chan struct{}
	release context.CancelCauseFunc

	mu    sync.Mutex
	first os.Signal
}

// WatchSignals watches signals, which the caller gave to [os/signal.Notify],
// until it is released. Logger may be nil.
func WatchSignals(ctx context.Context, logger *slog.Logger, signals <-chan os.Signal) *Signals {
	if logger == nil {
		logger = slog.Default()
	}
	stop := make(chan struct{})
	s := &Signals{Stop: stop}
	s.Context, s.release = context.WithCancelCause(ctx)
	go func() {
		for n := 1; ; n++ {
			select {
			case <-s.Context.Done():
				return
			case sig := <-signals:
				if n > 1 {
					logger.Warn("second signal: ending at once; a third does not wait for user code", "signal", sig.String())
					s.release(fmt.Errorf("ended by signal: %v", sig))
					return
				}
				logger.Info("stopping gracefully; a second signal ends at once", "signal", sig.String())
				s.mu.Lock()
				s.first = sig
				s.mu.Unlock()
				close(stop)
			}
		}
	}()
	return s
}

// Signal is the signal that came first, or nil.
func (s *Signals) Signal() os.Signal {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.first
}

// Release stops watching.
func (s *Signals) Release() { s.release(nil) }
