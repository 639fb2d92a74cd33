package millrace

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/runners/direct"
)

// addCheckpointFlags defines the flags about checkpoints and failures.
func (o *Options) addCheckpointFlags(fs *flag.FlagSet) {
	durationFlag(fs, &o.CheckpointEvery, "checkpoint-every", "`duration` between two checkpoints, at least 1ms (default 10s)", time.Millisecond)
	durationFlag(fs, &o.CheckpointPause, "checkpoint-pause", "least `duration` from the end of a checkpoint to the beginning of the next (default none)", 0)
	durationFlag(fs, &o.CheckpointTimeout, "checkpoint-timeout", "`duration` after which a checkpoint is given up, at least 1ms (default 10m)", time.Millisecond)
	countFlag(fs, &o.CheckpointFailures, "checkpoint-failures", "how many checkpoints in a row may fail without the run failing (default 0)", 0)
	countFlag(fs, &o.CheckpointRetain, "checkpoint-retain", "how many checkpoints are kept, at least 1 (default 2)", 1)
	bytesFlag(fs, &o.StateMemory, "state-memory", "`bytes` of state by key to keep in memory, such as 256MB or 2GB (default 1GB)")
	fs.StringVar(&o.Restore, "restore", o.Restore, "begin from this savepoint, or the newest checkpoint in this state `folder`, copied to -state-dir, which must have no state; or from the URL that checkpoints were shipped to")
	fs.StringVar(&o.CheckpointShip, "checkpoint-ship", o.CheckpointShip, "`URL` of an object store that checkpoints are shipped to, for the loss of the machine (default none)")
	fs.BoolVar(&o.CommitShipped, "commit-shipped", o.CommitShipped, "have sinks commit only what is in a checkpoint that was shipped")
	usage := fmt.Sprintf("with -state-dir: `what` to do about a failure: none, fixed,attempts=3,delay=10s, rate,failures=3,within=5m,delay=10s or (default) %v", direct.DefaultRestart())
	fs.Func("restart", usage, func(s string) (err error) {
		o.Restart, err = direct.ParseRestart(s)
		return err
	})
}

func durationFlag(fs *flag.FlagSet, to *time.Duration, name, usage string, least time.Duration) {
	fs.Func(name, usage, func(s string) error {
		d, err := time.ParseDuration(s)
		if err != nil || d < least {
			return fmt.Errorf("it must be a duration of at least %v, such as 5s", least)
		}
		*to = d
		return nil
	})
}

func countFlag(fs *flag.FlagSet, to *int, name, usage string, least int) {
	fs.Func(name, usage, func(s string) error {
		var n int
		if _, err := fmt.Sscanf(s, "%d", &n); err != nil || n < least || fmt.Sprint(n) != s {
			return fmt.Errorf("it must be a whole number, at least %d", least)
		}
		*to = n
		return nil
	})
}

func bytesFlag(fs *flag.FlagSet, to *int64, name, usage string) {
	fs.Func(name, usage, func(s string) error {
		n, err := parseBytes(s)
		if err != nil {
			return err
		}
		*to = n
		return nil
	})
}

// parseBytes reads a size such as 256MB, whose units are powers of 1024.
func parseBytes(s string) (int64, error) {
	number, unit := s, int64(1)
	for i, suffix := range []string{"KB", "MB", "GB", "TB"} {
		if n, ok := strings.CutSuffix(s, suffix); ok {
			number, unit = n, 1<<(10*(i+1))
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 1 || n > math.MaxInt64/unit {
		return 0, errors.New("it must be a number of bytes, such as 256MB or 2GB")
	}
	return n * unit, nil
}

// checkpoints are those of a run with these options.
func (o Options) checkpoints() direct.Checkpoints {
	return direct.Checkpoints{
		Dir: o.StateDir, Every: o.CheckpointEvery, MinPause: o.CheckpointPause, Timeout: o.CheckpointTimeout,
		Tolerate: o.CheckpointFailures, Retain: o.CheckpointRetain, Restore: o.Restore, Ship: o.CheckpointShip, CommitShipped: o.CommitShipped, AllowDropped: o.AllowDroppedState,
		AllowChangedIO: o.AllowChangedIO,
		Memory:         o.StateMemory,
	}
}

// restart is the strategy of a run with these options.
func (o Options) restart() Restart {
	if o.Restart == nil && o.StateDir != "" {
		return direct.DefaultRestart()
	}
	return o.Restart
}

// checkFlags is what is wrong with flags that are wrong only together.
func (o Options) checkFlags() error {
	switch {
	case o.CheckpointShip != "" && o.StateDir == "":
		return errors.New("-checkpoint-ship needs -state-dir, whose checkpoints are shipped")
	case o.CommitShipped && o.CheckpointShip == "":
		return errors.New("-commit-shipped needs -checkpoint-ship, the URL to ship to")
	}
	_, none := o.Restart.(direct.NoRestart)
	if o.Restart != nil && !none && o.StateDir == "" {
		return errors.New("-restart needs -state-dir: without a checkpoint to go on from, what the failed run did would be done twice")
	}
	return nil
}
