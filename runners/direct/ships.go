package direct

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/millrace/millrace/internal/checkpoint"
	"github.com/millrace/millrace/internal/shipping"
	"github.com/millrace/millrace/objectstore"
)

// A ShippingReport is how far checkpoints were shipped.
type ShippingReport struct {
	// To is where they are shipped to; "" is nowhere.
	To string
	// Checkpoint is the newest that is there, 0 if none is, and Lag how much older than the
	// newest of all: what would be lost with the machine, but for what is since that.
	Checkpoint uint64
	Lag        time.Duration
	// Failed is how often shipping failed, InARow how often since it last succeeded, and
	// LastFailure why it did last.
	Failed, InARow int64
	LastFailure    error
	// Ended says that LastFailure is one that trying again does not mend: nothing is
	// shipped any more.
	Ended bool
}

func (r ShippingReport) String() string {
	s := "no checkpoint shipped yet"
	if r.Checkpoint > 0 {
		s = fmt.Sprintf("checkpoint %d shipped, %v behind", r.Checkpoint, r.Lag.Round(time.Millisecond))
	}
	if r.InARow > 0 {
		s += fmt.Sprintf("; shipping failed %d times: %v", r.InARow, r.LastFailure)
	}
	return s
}

// Between failed attempts to ship.
const (
	leastShippingPause = time.Second
	mostShippingPause  = time.Minute
	// claimPatience is how long a run waits, as it begins, to be told that it may ship.
	claimPatience = 30 * time.Second
	// endPatience is how long a run that has ended waits for its last checkpoint to be
	// shipped.
	endPatience = time.Minute
)

// ships has checkpoints shipped, in a goroutine of its own, one after the other. It lives
// as long as a call of Run, and works while an attempt does.
//
// What is taken while another is shipped waits; of those that wait, the newest makes the
// others superfluous, but for savepoints.
type ships struct {
	url     string
	bucket  objectstore.Bucket
	shipper *shipping.Shipper
	log     *slog.Logger
	pause   time.Duration // the least between failed attempts

	stop  context.CancelFunc // of the attempt
	ended chan struct{}      // closed when its goroutine is

	mu      sync.Mutex
	waiting []toShip      // oldest first
	busy    bool          // one is being shipped
	changed chan struct{} // closed when any of these changes
	newest  *checkpoint.Manifest
	oldest  *checkpoint.Manifest // that this Run had
	shipped *checkpoint.Manifest
	report  ShippingReport
}

type toShip struct {
	*checkpoint.Kept
	committed bool
}

// openShipping opens what checkpoints are shipped to; nil is nothing.
func (r Runner) openShipping(ctx context.Context) (*ships, error) {
	c := r.Checkpoints
	switch {
	case c.Ship == "" && c.CommitShipped:
		return nil, errors.New("direct: Checkpoints.CommitShipped needs Ship, the URL to ship to")
	case c.Ship == "":
		return nil, nil
	case c.Dir == "":
		return nil, errors.New("direct: Checkpoints.Ship needs a Dir, whose checkpoints are shipped")
	case hostOf(ctx).driver != nil:
		return nil, errors.New("direct: Checkpoints.Ship: a simulated run ships nothing")
	}
	bucket, err := objectstore.Open(ctx, c.Ship)
	if err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "an unknown host"
	}
	s := &ships{url: c.Ship, bucket: bucket, log: r.Logger.With("to", c.Ship), pause: leastShippingPause, changed: make(chan struct{})}
	if c.shippingPause > 0 {
		s.pause = c.shippingPause
	}
	s.report.To = c.Ship
	s.shipper = shipping.NewShipper(bucket, c.Ship, shipping.Options{
		Retain: c.Retain, By: fmt.Sprintf("process %d on %s", os.Getpid(), host), Now: time.Now,
	})
	return s, nil
}

func (s *ships) close() error {
	if s == nil {
		return nil
	}
	return s.bucket.Close()
}

// begin ships from store until end is called. A prefix that is not this directory's is
// refused now; a store of objects that does not answer is not waited for.
func (s *ships) begin(ctx context.Context, store *checkpoint.Store) error {
	claiming, cancel := context.WithTimeout(ctx, claimPatience)
	defer cancel()
	err := s.shipper.Claim(claiming, store)
	switch {
	case shipping.Refused(err):
		return refusal{err}
	case err != nil:
		s.fail(err)
	}
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.ended = make(chan struct{})
	s.mu.Lock()
	s.shipped = nil
	s.mu.Unlock()
	go func() {
		defer close(s.ended)
		s.loop(ctx, store)
	}()
	return nil
}

// end ends the attempt's shipping, if wait is set after what waits was shipped.
func (s *ships) end(ctx context.Context, wait bool) {
	if s.ended == nil {
		return
	}
	if wait {
		patience := time.NewTimer(endPatience)
		defer patience.Stop()
		err := s.await(ctx, patience.C, func() bool { return !s.busy && len(s.waiting) == 0 })
		if err != nil {
			s.log.Error("the last checkpoint was not shipped", "failure", err)
		}
	}
	s.stop()
	<-s.ended
	s.ended = nil
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.waiting {
		w.Release()
	}
	s.waiting = nil
}

// offer has a checkpoint shipped, sooner or later.
func (s *ships) offer(k *checkpoint.Kept, committed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.newest = k.Manifest
	if s.oldest == nil {
		s.oldest = k.Manifest
	}
	s.waiting = append(s.waiting, toShip{k, committed})
	s.thin()
	s.change()
}

// thin leaves of what waits the newest, and savepoints.
func (s *ships) thin() {
	last := len(s.waiting) - 1
	kept := s.waiting[:0]
	for i, w := range s.waiting {
		if i < last && w.Manifest.Savepoint == "" {
			w.Release()
			continue
		}
		kept = append(kept, w)
	}
	s.waiting = kept
}

// change wakes whoever waits for a change.
func (s *ships) change() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// await waits until is holds, which is called with mu held, or says why not.
func (s *ships) await(ctx context.Context, patience <-chan time.Time, is func() bool) error {
	for {
		s.mu.Lock()
		done, ended, last, changed := is(), s.report.Ended, s.report.LastFailure, s.changed
		inARow := s.report.InARow
		s.mu.Unlock()
		switch {
		case done:
			return nil
		case ended:
			return last
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-patience:
			if inARow > 0 {
				return fmt.Errorf("it took too long, and failed %d times, last of: %w", inARow, last)
			}
			return errors.New("it takes too long")
		}
	}
}

// awaitShipped waits until a checkpoint, or a newer one, is shipped.
func (s *ships) awaitShipped(ctx context.Context, id uint64, patience time.Duration) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	return s.await(ctx, timer.C, func() bool { return s.shipped != nil && s.shipped.ID >= id })
}

func (s *ships) loop(ctx context.Context, store *checkpoint.Store) {
	pause := s.pause
	for {
		w, ok := s.next(ctx)
		if !ok {
			return
		}
		err := s.ship(ctx, store, w)
		if !s.shippedOrNot(w, err, ctx.Err() != nil) {
			return
		}
		if err == nil {
			pause = s.pause
			continue
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		pause = min(2*pause, max(mostShippingPause, s.pause))
	}
}

// next waits for a checkpoint to ship.
func (s *ships) next(ctx context.Context) (toShip, bool) {
	for ctx.Err() == nil {
		s.mu.Lock()
		if len(s.waiting) > 0 {
			w := s.waiting[0]
			s.waiting = slices.Delete(s.waiting, 0, 1)
			s.busy = true
			s.mu.Unlock()
			return w, true
		}
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
	return toShip{}, false
}

func (s *ships) ship(ctx context.Context, store *checkpoint.Store, w toShip) error {
	if err := s.shipper.Claim(ctx, store); err != nil {
		return err
	}
	removing, err := s.shipper.Ship(ctx, w.Kept, w.committed)
	if removing != nil && ctx.Err() == nil {
		s.log.Warn("old checkpoints that were shipped could not be removed; it is tried again after the next one", "failure", removing)
	}
	return err
}

// shippedOrNot notes what came of shipping w, and reports whether to go on.
func (s *ships) shippedOrNot(w toShip, err error, stopped bool) bool {
	if err != nil && !stopped {
		s.fail(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.change()
	s.busy = false
	switch {
	case err == nil:
		w.Release()
		if n := s.report.InARow; n > 0 || s.shipped == nil {
			s.log.Info("checkpoints are shipped", "checkpoint", w.Manifest.ID, "failed before", n)
		}
		s.shipped, s.report.InARow = w.Manifest, 0
		return true
	case stopped || shipping.Refused(err):
		w.Release()
		return false
	}
	s.waiting = slices.Insert(s.waiting, 0, w)
	s.thin()
	return true
}

// fail notes that shipping failed.
func (s *ships) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Failed++
	s.report.InARow++
	s.report.LastFailure = err
	if shipping.Refused(err) {
		s.report.Ended = true
		s.log.Error("no checkpoints are shipped any more", "failure", err)
		return
	}
	s.log.Warn("a checkpoint could not be shipped; it is tried again", "failure", err, "in a row", s.report.InARow)
}

func (s *ships) status() ShippingReport {
	if s == nil {
		return ShippingReport{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.report
	switch {
	case s.shipped != nil:
		r.Checkpoint = s.shipped.ID
		r.Lag = max(0, s.newest.Created.Sub(s.shipped.Created))
	case s.oldest != nil:
		r.Lag = max(0, s.newest.Created.Sub(s.oldest.Created))
	}
	return r
}

// beginShipping ships what c goes on from, and then what it takes.
func (c *checkpoints) beginShipping() error {
	if c.cfg.ships == nil {
		return nil
	}
	if err := c.cfg.ships.begin(c.run.ctx, c.store); err != nil {
		return err
	}
	c.shipping = true
	if c.from != nil {
		c.offer(c.from, c.store.SinksCommitted())
	}
	return nil
}

// offer has m shipped, where checkpoints are.
func (c *checkpoints) offer(m *checkpoint.Manifest, committed bool) {
	if !c.shipping {
		return
	}
	k, err := c.store.Keep(m.ID)
	if err != nil {
		c.run.cfg.Logger.Error("a checkpoint cannot be shipped", "failure", err)
		return
	}
	c.cfg.ships.offer(k, committed)
}

// beforeSinks waits until m is shipped, where sinks are to commit only then.
func (c *checkpoints) beforeSinks(m *checkpoint.Manifest) error {
	if !c.cfg.CommitShipped {
		return nil
	}
	if m != c.from { // which beginShipping has offered
		c.offer(m, false)
	}
	if err := c.cfg.ships.awaitShipped(c.run.ctx, m.ID, c.cfg.Timeout); err != nil {
		return fmt.Errorf("checkpoint %d is durable, and sinks do not commit it before it is shipped: %w", m.ID, err)
	}
	return nil
}

// afterSinks has m shipped once the sinks have committed, or could not.
func (c *checkpoints) afterSinks(m *checkpoint.Manifest, committed bool) {
	if !c.cfg.CommitShipped {
		c.offer(m, committed)
	}
}

// endShipping waits for what is not shipped yet if the run ended well.
func (c *checkpoints) endShipping(why error) {
	if c.shipping {
		c.cfg.ships.end(c.run.caller, why == nil || errors.Is(why, ErrStopped))
		c.shipping = false
	}
}
