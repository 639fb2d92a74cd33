package direct_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/internal/engine"
	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/model/source"
	"github.com/millrace/millrace/runners/direct"
	"github.com/millrace/millrace/transforms"
)

// failing returns a step that fails at the numbers, each so often.
func failing(times map[int]int) func(context.Context, int) (int, error) {
	return func(_ context.Context, v int) (int, error) {
		if times[v] > 0 {
			times[v]--
			return 0, fmt.Errorf("%w at %d", errBroken, v)
		}
		return v, nil
	}
}

func TestARunThatFailsIsStartedAgainFromItsLastCheckpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, out := newLogged(), &book{}
		r := savedIn(vfs.NewMem())
		r.Logger, r.Restart = log.Logger, direct.FixedDelay{Attempts: 3, Delay: 10 * time.Second}
		began := time.Now()
		report, err := r.Run(t.Context(), copied(&counter{n: 100, pause: 100 * time.Millisecond}, failing(map[int]int{5: 1, 50: 2}), out))
		if err != nil {
			t.Fatal(err)
		}
		out.want(t, 100)
		if report.Restart.Restarts != 3 || !errors.Is(report.Restart.LastFailure, errBroken) {
			t.Errorf("the report says %+v, want 3 restarts and what the last was for", report.Restart)
		}
		// The elements take ten seconds, and what is read again takes less than a second each time.
		if took := time.Since(began); took < 40*time.Second || took > 43*time.Second {
			t.Errorf("it took %v, want thrice 10 s of delay and 10 s of work", took)
		}
		for _, want := range []string{"restart=1 in=10s", "restart=3 in=10s", "the wheel is broken at 50", `strategy="fixed,attempts=3,delay=10s"`} {
			if log.count(want) == 0 {
				t.Errorf("the log does not have %q:\n%s", want, log.lines.String())
			}
		}
	})
}

func TestTheLastErrorCountsAllOfThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &book{}
		fs := vfs.NewMem()
		r := savedIn(fs)
		r.Restart = direct.FixedDelay{Attempts: 3, Delay: 10 * time.Second}
		step := failing(map[int]int{20: 1, 50: 100})
		_, err := r.Run(t.Context(), copied(&counter{n: 100, pause: 100 * time.Millisecond}, step, out))
		var e *direct.RestartsError
		var user *engine.UserError
		if !errors.As(err, &e) || !errors.As(err, &user) || user.Element != "50" {
			t.Fatalf("the run returned %v", err)
		}
		if e.Restarts != 3 || len(e.Failures) != 2 || e.Failures[0].Count != 3 || !strings.Contains(e.Failures[0].Text, "broken at 50") || e.Failures[1].Count != 1 {
			t.Errorf("it counts %+v", e)
		}
		for _, want := range []string{"the run failed 4 times in 3", "the 3 restarts of fixed,attempts=3,delay=10s are used up", "3 times: ", "broken at 50"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("it does not say %q: %v", want, err)
			}
		}
		// The next process goes on where this one gave up.
		if _, err := savedIn(fs).Run(t.Context(), copied(&counter{n: 100}, failing(nil), out)); err != nil {
			t.Fatal(err)
		}
		out.want(t, 100)
	})
}

func TestErrorsAndPanicsOfEveryKindStartARunAgain(t *testing.T) {
	for name, plant := range map[string]func(broken func() bool, c *counter, out *book) func(context.Context, int) (int, error){
		"a source's error": func(broken func() bool, c *counter, _ *book) func(context.Context, int) (int, error) {
			c.onRead = func(_ context.Context, next int) error {
				if next == 30 && broken() {
					return errBroken
				}
				return nil
			}
			return nil
		},
		"a panic": func(broken func() bool, _ *counter, _ *book) func(context.Context, int) (int, error) {
			return func(_ context.Context, v int) (int, error) {
				if v == 30 && broken() {
					panic("broken")
				}
				return v, nil
			}
		},
		"a sink's commit": func(broken func() bool, _ *counter, out *book) func(context.Context, int) (int, error) {
			out.onCommit = func() error {
				if broken() {
					return errSink
				}
				return nil
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				left := 2
				c, out := &counter{n: 60, pause: 100 * time.Millisecond}, &book{}
				step := plant(func() bool { left--; return left >= 0 }, c, out)
				r := savedIn(vfs.NewMem())
				r.Restart = direct.FixedDelay{Attempts: 2, Delay: time.Second}
				report, err := r.Run(t.Context(), copied(c, step, out))
				if err != nil || report.Restart.Restarts != 2 {
					t.Errorf("it was started again %d times: %v", report.Restart.Restarts, err)
				}
				out.want(t, 60)
			})
		})
	}
}

func TestWhatNoRestartMends(t *testing.T) {
	never := direct.FixedDelay{Attempts: 100, Delay: time.Hour}
	t.Run("a run that cannot begin", func(t *testing.T) {
		r := savedIn(vfs.NewMem())
		r.Restart = never
		_, err := r.Run(t.Context(), copied(&counter{n: 1}, nil, &book{openErr: errSink}))
		if !errors.Is(err, errSink) || errors.As(err, new(*direct.RestartsError)) {
			t.Errorf("the run returned %v", err)
		}
	})
	t.Run("state of another pipeline", func(t *testing.T) {
		fs := vfs.NewMem()
		r := savedIn(fs)
		if _, err := r.Run(t.Context(), copied(&counter{n: 1}, nil, &book{})); err != nil {
			t.Fatal(err)
		}
		r.Restart = never
		var other model.Pipeline
		transforms.Write(transforms.Read(&other, source.Source[int](&counter{n: 1}), model.Name("Another")), &book{}, model.Name("Book"))
		_, err := r.Run(t.Context(), &other)
		if err == nil || !strings.Contains(err.Error(), "nothing in this pipeline claims") {
			t.Errorf("the run returned %v", err)
		}
	})
	t.Run("a run that is called off", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		r := savedIn(vfs.NewMem())
		r.Restart = never
		_, err := r.Run(ctx, copied(&counter{n: 100}, func(ctx context.Context, v int) (int, error) { cancel(); return v, ctx.Err() }, &book{}))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the run returned %v", err)
		}
	})
	t.Run("a run in memory", func(t *testing.T) {
		_, err := direct.Runner{Restart: never}.Run(t.Context(), copied(&counter{n: 100}, nil, &book{}))
		if err == nil || !strings.Contains(err.Error(), "Restart needs Checkpoints.Dir") {
			t.Errorf("the run returned %v", err)
		}
	})
}

// A run can be called off, or stopped, while it waits.
func TestARunIsCalledOffWhileItWaits(t *testing.T) {
	for _, stopped := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			stop := make(chan struct{})
			r := savedIn(vfs.NewMem())
			r.Stop, r.Restart = stop, direct.FixedDelay{Attempts: 1, Delay: time.Hour}
			time.AfterFunc(time.Minute, func() {
				if stopped {
					close(stop)
				} else {
					cancel()
				}
			})
			began := time.Now()
			_, err := r.Run(ctx, copied(&counter{n: 100}, failing(map[int]int{7: 1}), &book{}))
			if !errors.Is(err, errBroken) || errors.Is(err, direct.ErrStopped) != stopped || errors.Is(err, context.Canceled) == stopped {
				t.Errorf("the run returned %v", err)
			}
			if took := time.Since(began); took != time.Minute {
				t.Errorf("it took %v", took)
			}
			cancel()
		})
	}
}

func TestWhenAStrategyStartsAgain(t *testing.T) {
	type failure struct {
		ran  time.Duration
		want string // the delay, or part of why there is none
	}
	s, m := time.Second, time.Minute
	for strategy, failures := range map[string][]failure{
		"none":                      {{0, "its strategy is none"}},
		"fixed,attempts=2,delay=5s": {{0, "5s"}, {100 * time.Hour, "5s"}, {0, "used up"}},
		"fixed,attempts=0,delay=5s": {{0, "5s"}, {0, "5s"}, {0, "5s"}, {0, "5s"}},
		"exponential,initial=1s,max=5s,factor=2,reset=10m,attempts=5": {
			{0, "1s"}, {s, "2s"}, {s, "4s"}, {s, "5s"}, {9 * m, "5s"}, {s, "used up"},
		},
		"exponential,initial=1s,factor=3,reset=10m": {{0, "1s"}, {s, "3s"}, {10 * m, "1s"}, {0, "3s"}, {0, "9s"}, {0, "27s"}, {0, "1m0s"}, {0, "1m0s"}},
		"rate,failures=2,within=10m,delay=1s":       {{0, "1s"}, {6 * m, "1s"}, {6 * m, "1s"}, {6 * m, "1s"}, {s, "more often"}},
	} {
		t.Run(strategy, func(t *testing.T) {
			r, err := direct.ParseRestart(strategy)
			if err != nil {
				t.Fatal(err)
			}
			decide, now := direct.Begin(r), time.Unix(0, 0)
			for i, f := range failures {
				now = now.Add(f.ran)
				delay, why := decide(now, f.ran)
				got := why
				if why == "" {
					got = delay.String()
					now = now.Add(delay)
				}
				if !strings.Contains(got, f.want) {
					t.Errorf("failure %d: %q, want %q", i+1, got, f.want)
				}
			}
		})
	}
}

func TestJitterIsWithinItsFraction(t *testing.T) {
	for r, want := range map[float64]time.Duration{0: 900 * time.Millisecond, 0.5: time.Second, 0.999999999: 1100 * time.Millisecond} {
		if got := direct.Jittered(time.Second, 0.1, r); (got - want).Abs() > time.Microsecond {
			t.Errorf("at %v it is %v, want %v", r, got, want)
		}
	}
}

func TestStrategiesAreReadAsTheyArePrinted(t *testing.T) {
	for _, r := range []direct.Restart{
		direct.NoRestart{}, direct.FixedDelay{Attempts: 3, Delay: time.Second}, direct.DefaultRestart(),
		direct.FailureRate{Failures: 1, Within: time.Hour, Delay: time.Second},
	} {
		if got, err := direct.ParseRestart(r.String()); got != r || err != nil {
			t.Errorf("%q is read as %v: %v", r, got, err)
		}
		if err := direct.Validate(r); err != nil {
			t.Error(err)
		}
	}
	for text, want := range map[string]string{
		"often":                         `unknown restart strategy "often", allowed: none, fixed, exponential, rate`,
		"none,attempts=1":               `it has no "attempts"`,
		"fixed,attempts=many":           `attempts is "many"; it takes a value such as 3`,
		"fixed,delay=10":                `delay is "10"; it takes a value such as 10s`,
		"fixed,":                        `it has no ""`,
		"fixed,attempts=0,delay=0s":     "set attempts or delay",
		"fixed,attempts=-1":             "must not be negative",
		"exponential,jitter=1":          "jitter must be a fraction",
		"exponential,factor=0.5":        "factor must be from 1",
		"exponential,initial=1h,max=1s": "max must be at least initial",
		"rate,failures=0":               "failures must be at least 1",
	} {
		if _, err := direct.ParseRestart(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
