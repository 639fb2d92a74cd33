package simulate

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// A kind is what an [event] does. Those before doDiskCrash come at a step of the run, those
// from doNameCrash on at an operation that changes a name or makes names durable, as a
// commit does, and the others at any that changes the disk.
type kind uint8

const (
	// doSetup, at the beginning of a life, has it run with a tasks for each stage, and
	// small batches and mailboxes drawn by b.
	doSetup kind = iota
	// doCheckpoint begins a checkpoint; once all tasks are through, a steps pass until
	// it is committed.
	doCheckpoint
	// doShuffle has the next a steps be of tasks drawn by b, in place of those whose turn
	// it is; a commit is interleaved with some of them.
	doShuffle
	// doSlow has split a of each Stream have nothing for b milliseconds.
	doSlow
	// doClock sets the clock on the wall forward by a milliseconds, or back.
	doClock
	// doFail has the run fail, as of an error of user code. It may be started again in the
	// same process.
	doFail
	// doUpgrade, at the beginning of a life, has it and all after it run the pipeline of
	// [Upgrade].
	doUpgrade
	// doStop stops the run gracefully.
	doStop
	// doCrash ends the process. Of what was not synced each change is kept with a percent,
	// drawn by b.
	doCrash
	// doKill ends the process alone: what it wrote is there, though a later crash may
	// leave less of it.
	doKill
	// doDiskCrash is a crash before an operation.
	doDiskCrash
	// doDiskKill is a kill before an operation.
	doDiskKill
	// doDiskTorn is a crash in the middle of a write: a percent of it are on the disk.
	doDiskTorn
	// doDiskFail has a operations fail.
	doDiskFail
	// doDiskFull has those of a operations fail that need room.
	doDiskFull
	// doNameCrash, doNameKill and doNameFail are their likes.
	doNameCrash
	doNameKill
	doNameFail
)

var kinds = []string{"setup", "checkpoint", "shuffle", "slow", "clock", "fail", "upgrade", "stop", "crash", "kill", "disk-crash", "disk-kill", "disk-torn", "disk-fail", "disk-full", "name-crash", "name-kill", "name-fail"}

func (k kind) String() string { return kinds[k] }

// An event is something that happens in one life of the process, which begins with its
// start and ends with its crash.
type event struct {
	life int
	// at is the step, or the operation of its kind, from 1 on.
	at   int
	kind kind
	a, b int
}

// A schedule is all that happens to a pipeline, apart from which it runs like any
// other. The empty schedule is a run without checkpoints.
type schedule []event

// String is the schedule as [Replay] reads it.
func (s schedule) String() string {
	var words []string
	for _, e := range s {
		w := fmt.Sprintf("%d@%d %v", e.life, e.at, e.kind)
		if e.a != 0 || e.b != 0 {
			w += fmt.Sprintf(" %d", e.a)
		}
		if e.b != 0 {
			w += fmt.Sprintf(" %d", e.b)
		}
		words = append(words, w)
	}
	return strings.Join(words, "; ")
}

func parseSchedule(text string) (s schedule, err error) {
	for _, w := range strings.Split(text, ";") {
		fields := strings.Fields(w)
		if len(fields) == 0 {
			continue
		}
		var e event
		if len(fields) < 2 || len(fields) > 4 {
			return nil, fmt.Errorf("the event %q is not of the form \"life@at kind a b\"", w)
		}
		k := slices.Index(kinds, fields[1])
		if _, err := fmt.Sscanf(fields[0], "%d@%d", &e.life, &e.at); err != nil || k < 0 || e.life < 0 || e.life > maxLives {
			return nil, fmt.Errorf("the event %q is not of the form \"life@at kind a b\"", w)
		}
		e.kind = kind(k)
		for i, to := range []*int{&e.a, &e.b} {
			if len(fields) > 2+i {
				if _, err := fmt.Sscanf(fields[2+i], "%d", to); err != nil {
					return nil, fmt.Errorf("the event %q: %w", w, err)
				}
			}
		}
		s = append(s, e)
	}
	return s, nil
}

const maxLives = 100

// lives is how many lives something happens in.
func (s schedule) lives() (n int) {
	for _, e := range s {
		n = max(n, e.life+1)
	}
	return n
}

// of is what happens in one life, in order: at its steps, at operations of the disk, and
// at those with names.
func (s schedule) of(life int) (steps, disk, names []event) {
	for _, e := range s {
		switch {
		case e.life != life:
		case e.kind < doDiskCrash:
			steps = append(steps, e)
		case e.kind < doNameCrash:
			disk = append(disk, e)
		default:
			names = append(names, e)
		}
	}
	at := func(a, b event) int { return a.at - b.at }
	slices.SortStableFunc(steps, at)
	slices.SortStableFunc(disk, at)
	slices.SortStableFunc(names, at)
	return steps, disk, names
}

// draw draws a schedule for a pipeline that takes about so many steps, and its inputs
// so many splits.
// Upgrades says that there is a pipeline to go over to.
func draw(seed uint64, steps int, upgrades bool) schedule {
	d := drawing{Rand: rand.New(rand.NewPCG(seed, 0)), steps: steps}
	lives := 1 + d.IntN(4)
	for life := range lives {
		d.life(life)
	}
	if upgrades {
		d.add(1+d.IntN(lives), 0, doUpgrade, 0, 0)
	}
	return d.schedule
}

type drawing struct {
	*rand.Rand
	steps    int
	schedule schedule
}

func (d *drawing) add(life, at int, k kind, a, b int) {
	d.schedule = append(d.schedule, event{life, at, k, a, b})
}

// seed draws a seed of something that is drawn when it comes to it.
func (d *drawing) seed() int { return 1 + d.IntN(1_000_000) }

func (d *drawing) life(life int) {
	d.add(life, 0, doSetup, 1+d.IntN(3), d.seed())
	step := func() int { return 1 + d.IntN(d.steps) }
	checkpoints := 1 + d.IntN(4)
	for range checkpoints {
		after := 0
		if d.IntN(3) == 0 {
			after = d.IntN(20)
		}
		d.add(life, step(), doCheckpoint, after, 0)
	}
	for range d.IntN(4) {
		d.add(life, step(), doShuffle, 1+d.IntN(d.steps), d.seed())
	}
	if d.IntN(3) == 0 {
		d.add(life, step(), doSlow, d.IntN(3), 1+d.IntN(100_000))
	}
	if d.IntN(4) == 0 {
		d.add(life, step(), doClock, d.IntN(200_000)-100_000, 0)
	}
	if d.IntN(4) == 0 {
		d.add(life, step(), doFail, 0, 0)
	}
	op := func() int { return 1 + d.IntN(15+30*checkpoints) }
	keep := []int{0, 0, 30, 70, 100}[d.IntN(5)]
	name := func() int { return 1 + d.IntN(12+8*checkpoints) }
	switch n := d.IntN(26); {
	case n >= 24:
		d.add(life, name(), doNameCrash, keep, d.seed())
	case n >= 22:
		d.add(life, name(), doNameKill, 0, 0)
	case n >= 20:
		d.add(life, name(), doNameFail, 1, 0)
	case n < 6:
		d.add(life, step(), doCrash, keep, d.seed())
	case n < 7:
		d.add(life, step(), doKill, 0, 0)
	case n < 13:
		d.add(life, op(), doDiskCrash, keep, d.seed())
	case n < 15:
		d.add(life, op(), doDiskKill, 0, 0)
	case n < 16:
		d.add(life, op(), doDiskTorn, 1+d.IntN(99), d.seed())
	case n < 18:
		d.add(life, op(), doDiskFail, 1+d.IntN(10), 0)
	case n < 19:
		d.add(life, op(), doDiskFull, 1+d.IntN(40), 0)
	default:
		d.add(life, step(), doStop, 0, 0)
	}
}

// upgrades reports whether a life begins with the later version.
func (s schedule) upgrades(life int) bool {
	return slices.ContainsFunc(s, func(e event) bool { return e.life == life && e.kind == doUpgrade })
}
