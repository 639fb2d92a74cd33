package direct

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Restart says whether a run that has failed is started again in the same process,
// from its last checkpoint, and when: [NoRestart], [FixedDelay], [ExponentialDelay] or
// [FailureRate]. Each is a plain value, which [ParseRestart] reads as String prints it.
//
// A run is started again after an error of user code, panics included, of a source, of
// a sink, or of a checkpoint. It is not where that could mend nothing: if the pipeline
// or its state is refused; if the run is called off or stopped; or if it fails before
// it has read anything or gone on from a checkpoint, as it does with a path that is
// not there.
type Restart interface {
	fmt.Stringer
	validate() error
	begin() decider
}

// NoRestart has the first failure end the run.
type NoRestart struct{}

// FixedDelay has a run started again Attempts times in all, however far apart, each
// time after the same delay.
type FixedDelay struct {
	Attempts int // 0 is without end
	Delay    time.Duration
}

// ExponentialDelay has a run started again after a delay that grows from failure to
// failure, so that it neither waits long for what is soon over nor wears out what is not.
type ExponentialDelay struct {
	// Initial is the first delay, 0 is 1 s; each other is Factor times the one before,
	// 0 is 2, up to Max, 0 is a minute.
	Initial, Max time.Duration
	Factor       float64
	// Jitter has each delay differ at random by up to this fraction of it, less than 1,
	// so that those which failed together are not started together. 0 is none.
	Jitter float64
	// ResetAfter is how long a run must have gone well for the delay and the attempts
	// to begin anew; 0 is 10 min.
	ResetAfter time.Duration
	// Attempts is how often in a row it is started again; 0 is without end.
	Attempts int
}

// FailureRate has a run started again as long as it fails no more than Failures times
// within any period of the length Within.
type FailureRate struct {
	Failures      int
	Within, Delay time.Duration
}

// DefaultRestart is what package millrace takes for runs with a state directory: after
// a second, then two, and so on up to a minute, ten times in a row, which takes about
// five minutes. Then the run ends: a process that has ended is seen by whoever looks
// after it, and one that is started again without end by nobody.
func DefaultRestart() Restart { return ExponentialDelay{Jitter: 0.1, Attempts: 10}.withDefaults() }

func (e ExponentialDelay) withDefaults() ExponentialDelay {
	if e.Initial == 0 {
		e.Initial = time.Second
	}
	if e.Max == 0 {
		e.Max = max(time.Minute, e.Initial)
	}
	if e.Factor == 0 {
		e.Factor = 2
	}
	if e.ResetAfter == 0 {
		e.ResetAfter = 10 * time.Minute
	}
	return e
}

func (NoRestart) String() string { return "none" }

func (f FixedDelay) String() string {
	return fmt.Sprintf("fixed,attempts=%d,delay=%v", f.Attempts, f.Delay)
}

func (e ExponentialDelay) String() string {
	e = e.withDefaults()
	return fmt.Sprintf("exponential,initial=%v,max=%v,factor=%v,jitter=%v,reset=%v,attempts=%d", e.Initial, e.Max, e.Factor, e.Jitter, e.ResetAfter, e.Attempts)
}

func (f FailureRate) String() string {
	return fmt.Sprintf("rate,failures=%d,within=%v,delay=%v", f.Failures, f.Within, f.Delay)
}

func (NoRestart) validate() error { return nil }

func (f FixedDelay) validate() error {
	switch {
	case f.Attempts < 0 || f.Delay < 0:
		return fmt.Errorf("%v: attempts and delay must not be negative", f)
	case f.Attempts == 0 && f.Delay == 0:
		return fmt.Errorf("%v: set attempts or delay, or a run that always fails keeps a core busy", f)
	}
	return nil
}

func (e ExponentialDelay) validate() error {
	switch d := e.withDefaults(); {
	case d.Initial < 0 || d.ResetAfter < 0 || d.Attempts < 0:
		return fmt.Errorf("%v: initial, reset and attempts must not be negative", e)
	case d.Max < d.Initial:
		return fmt.Errorf("%v: max must be at least initial", e)
	case !(d.Factor >= 1 && d.Factor <= 1000):
		return fmt.Errorf("%v: factor must be from 1 to 1000", e)
	case !(d.Jitter >= 0 && d.Jitter < 1):
		return fmt.Errorf("%v: jitter must be a fraction, from 0 up to 1", e)
	}
	return nil
}

func (f FailureRate) validate() error {
	if f.Failures < 1 || f.Within <= 0 || f.Delay < 0 {
		return fmt.Errorf("%v: failures must be at least 1, within more than 0, and delay not negative", f)
	}
	return nil
}

// ParseRestart reads a strategy as its String prints it: its name, none, fixed,
// exponential or rate, and behind commas what is to be set of it, in any order:
//
//	fixed,attempts=3,delay=10s
//	exponential,initial=1s,max=1m,factor=2,jitter=0.1,reset=10m,attempts=10
//	rate,failures=3,within=5m,delay=10s
func ParseRestart(s string) (Restart, error) {
	name, rest, more := strings.Cut(s, ",")
	fixed := FixedDelay{Attempts: 3, Delay: 10 * time.Second}
	var exponential ExponentialDelay
	rate := FailureRate{Failures: 3, Within: 5 * time.Minute, Delay: 10 * time.Second}
	var r func() Restart
	var set map[string]any
	switch name {
	case "none":
		r = func() Restart { return NoRestart{} }
	case "fixed":
		r = func() Restart { return fixed }
		set = map[string]any{"attempts": &fixed.Attempts, "delay": &fixed.Delay}
	case "exponential":
		r = func() Restart { return exponential.withDefaults() }
		set = map[string]any{
			"initial": &exponential.Initial, "max": &exponential.Max, "factor": &exponential.Factor,
			"jitter": &exponential.Jitter, "reset": &exponential.ResetAfter, "attempts": &exponential.Attempts,
		}
	case "rate":
		r = func() Restart { return rate }
		set = map[string]any{"failures": &rate.Failures, "within": &rate.Within, "delay": &rate.Delay}
	default:
		return nil, fmt.Errorf("unknown restart strategy %q, allowed: none, fixed, exponential, rate", name)
	}
	for field := range strings.SplitSeq(rest, ",") {
		if !more {
			break
		}
		if err := setField(set, field); err != nil {
			return nil, fmt.Errorf("restart strategy %q: %w", s, err)
		}
	}
	if err := r().validate(); err != nil {
		return nil, err
	}
	return r(), nil
}

func setField(set map[string]any, field string) (err error) {
	name, value, _ := strings.Cut(field, "=")
	like := ""
	switch p := set[name].(type) {
	case *int:
		*p, err = strconv.Atoi(value)
		like = "3"
	case *float64:
		*p, err = strconv.ParseFloat(value, 64)
		like = "1.5"
	case *time.Duration:
		*p, err = time.ParseDuration(value)
		like = "10s"
	default:
		return fmt.Errorf("it has no %q", name)
	}
	if err != nil {
		return fmt.Errorf("%s is %q; it takes a value such as %s", name, value, like)
	}
	return nil
}

// checkRestart is what is wrong with r.Restart.
func (r Runner) checkRestart() error {
	if _, none := r.Restart.(NoRestart); none {
		return nil
	}
	if err := r.Restart.validate(); err != nil {
		return fmt.Errorf("direct: Restart: %w", err)
	}
	if r.Checkpoints.Dir == "" {
		return errors.New("direct: Restart needs Checkpoints.Dir: without a checkpoint to go on from, what the failed run did would be done twice")
	}
	return nil
}
