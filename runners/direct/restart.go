package direct

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/checkpoint"
	"github.com/millrace/millrace/internal/drive"
	"github.com/millrace/millrace/internal/plan"
	"github.com/millrace/millrace/internal/shipping"
)

// A RestartReport is how often a run was started again.
type RestartReport struct {
	// Restarts are those so far.
	Restarts int
	// LastFailure is what the last of them was for.
	LastFailure error
}

// A RestartsError is what Run returns for a run that failed, was started again, and is
// not any more.
type RestartsError struct {
	// Restarts is how often it was started again: it failed once more than that.
	Restarts int
	// Elapsed is the time from the first failure to the last one.
	Elapsed time.Duration
	// Why it is not started again.
	Why string
	// Failures are the first lines of what it failed of, the most frequent first.
	Failures []FailureCount
	// Err is the last failure.
	Err error
}

// A FailureCount is how often a run failed with an error of that text.
type FailureCount struct {
	Text  string
	Count int
}

func (e *RestartsError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the run failed %d times in %v and is not started again: %s; its failures:", e.Restarts+1, e.Elapsed.Round(time.Millisecond), e.Why)
	for _, f := range e.Failures {
		fmt.Fprintf(&b, "\n  %d times: %s", f.Count, f.Text)
	}
	fmt.Fprintf(&b, "\nthe last one:\n%v", e.Err)
	return b.String()
}

func (e *RestartsError) Unwrap() error { return e.Err }

// A refusal is an error that no restart can mend.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// mendable reports whether another attempt might not fail with err.
func mendable(err error) bool {
	var r refusal
	if errors.As(err, &r) {
		return false
	}
	for _, refused := range []error{
		checkpoint.ErrLocked, checkpoint.ErrForeign, checkpoint.ErrNewer, checkpoint.ErrBroken, checkpoint.ErrKeyGroups, checkpoint.ErrDamaged,
	} {
		if errors.Is(err, refused) {
			return false
		}
	}
	return !shipping.Refused(err)
}

// restarts are those of one call of Run. They belong to the goroutine of that call,
// which changes them while no attempt is under way.
type restarts struct {
	cfg      Runner
	host     host
	decide   decider
	count    int
	began    bool // some attempt came so far that its failure may be an accident
	first    time.Time
	failures map[string]int
	last     error

	guarantees []Guarantee
}

// runAttempts runs pl, and again after each failure as long as the strategy says so.
//
// Each attempt is a run of its own, which opens the state directory, goes on from the
// newest checkpoint and leaves nothing behind: what holds for a restart of the process
// holds for it.
func (r Runner) runAttempts(ctx context.Context, pl *plan.Plan) (Report, error) {
	host := hostOf(ctx)
	r.clock = newClock(host, r.read, r.Logger) // processing time goes on from attempt to attempt
	s := &restarts{cfg: r, host: host, decide: r.Restart.begin(), failures: map[string]int{}, guarantees: r.guarantees(pl.Pipeline)}
	for _, g := range s.guarantees {
		if r.Checkpoints.Dir != "" && g.Level != ExactlyOnce {
			r.Logger.Info("not everything has its effect exactly once", "sink", g.Sink, "guarantee", string(g.Level), "why", g.Why)
		}
	}
	for {
		begun := s.host.Now()
		report, err := s.attempt(ctx, pl)
		if err == nil || s.over(ctx, err) {
			return report, err
		}
		delay, why := s.judge(err, s.host.Now().Sub(begun))
		if why != "" {
			return report, s.giveUp(err, why)
		}
		s.count++
		s.last = err
		r.Logger.Error("the run failed; it is started again from the last checkpoint", "failure", err, "restart", s.count,
			"in", delay, "at", s.host.Now().Add(delay), "strategy", r.Restart.String())
		if waited := s.wait(ctx, delay); waited != nil {
			return report, fmt.Errorf("%w, while it waited to be started again after: %w", waited, err)
		}
	}
}

func (s *restarts) attempt(ctx context.Context, pl *plan.Plan) (Report, error) {
	run := newRun(ctx, s.cfg, pl)
	defer run.cancel(nil)
	run.restarts, run.guarantees = s.report(), s.guarantees
	report, err := run.run()
	s.began = s.began || run.began
	return report, err
}

// over reports whether a run that ended with err was to end, or never began.
func (s *restarts) over(ctx context.Context, err error) bool {
	return errors.Is(err, ErrStopped) || ctx.Err() != nil || closed(s.cfg.Stop) || !s.began || s.host.dead()
}

// judge says when to start again after err, or why not.
func (s *restarts) judge(err error, ran time.Duration) (delay time.Duration, why string) {
	now := s.host.Now()
	if s.first.IsZero() {
		s.first = now
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	s.failures[text]++
	if !mendable(err) {
		return 0, "no restart mends the last one"
	}
	return s.decide(now, ran)
}

// giveUp is err, with what went before it.
func (s *restarts) giveUp(err error, why string) error {
	if s.count == 0 {
		return err
	}
	e := &RestartsError{Restarts: s.count, Elapsed: s.host.Now().Sub(s.first), Why: why, Err: err}
	for _, text := range slices.Sorted(maps.Keys(s.failures)) {
		e.Failures = append(e.Failures, FailureCount{text, s.failures[text]})
	}
	slices.SortStableFunc(e.Failures, func(a, b FailureCount) int { return b.Count - a.Count })
	return e
}

// wait waits for d, or says why there is nothing to wait for any more.
func (s *restarts) wait(ctx context.Context, d time.Duration) error {
	if s.host.driver != nil {
		return s.drivenWait(d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.cfg.Stop:
		return ErrStopped
	}
}

// drivenWait waits until a driver has let d pass.
func (s *restarts) drivenWait(d time.Duration) error {
	over := false
	timer := s.host.AfterFunc(d, func() { over = true })
	defer timer.Stop()
	for !over {
		a, err := s.host.driver.Next(drive.Moment{Phase: drive.Failed})
		switch {
		case err != nil:
			return err
		case a.Do == drive.Stop:
			return ErrStopped
		}
	}
	return nil
}

func (s *restarts) report() RestartReport { return RestartReport{s.count, s.last} }

func closed(c <-chan struct{}) bool {
	select {
	case <-c: // never, if it is nil
		return true
	default:
		return false
	}
}

// A decider says, failure by failure, how long to wait before the next attempt, or why
// there is none. Ran is how long the attempt ran that failed at now.
type decider func(now time.Time, ran time.Duration) (delay time.Duration, why string)

func (NoRestart) begin() decider {
	return func(time.Time, time.Duration) (time.Duration, string) {
		return 0, "its strategy is " + NoRestart{}.String()
	}
}

func (f FixedDelay) begin() decider {
	left := f.Attempts
	return func(time.Time, time.Duration) (time.Duration, string) {
		if f.Attempts > 0 && left == 0 {
			return 0, fmt.Sprintf("the %d restarts of %v are used up", f.Attempts, f)
		}
		left--
		return f.Delay, ""
	}
}

func (e ExponentialDelay) begin() decider {
	e = e.withDefaults()
	delay, left := e.Initial, e.Attempts
	return func(_ time.Time, ran time.Duration) (time.Duration, string) {
		if ran >= e.ResetAfter {
			delay, left = e.Initial, e.Attempts
		}
		if e.Attempts > 0 && left == 0 {
			return 0, fmt.Sprintf("the %d restarts in a row of %v are used up", e.Attempts, e)
		}
		left--
		d := jittered(delay, e.Jitter, rand.Float64())
		delay = time.Duration(min(float64(delay)*e.Factor, float64(e.Max)))
		return d, ""
	}
}

// jittered is d, more or less by up to the fraction jitter; r is from 0 up to 1.
func jittered(d time.Duration, jitter, r float64) time.Duration {
	return time.Duration(math.Round(float64(d) * (1 + jitter*(2*r-1))))
}

func (f FailureRate) begin() decider {
	var recent []time.Time
	return func(now time.Time, _ time.Duration) (time.Duration, string) {
		recent = slices.DeleteFunc(recent, func(t time.Time) bool { return now.Sub(t) >= f.Within })
		recent = append(recent, now)
		if len(recent) > f.Failures {
			return 0, fmt.Sprintf("it failed more often than %v allows", f)
		}
		return f.Delay, ""
	}
}
