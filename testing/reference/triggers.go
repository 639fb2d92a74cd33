package reference

import (
	"fmt"
	"slices"

	"github.com/millrace/millrace/model"
	"github.com/millrace/millrace/triggers"
)

// This file says what triggers do. A trigger is asked about a story, of which it
// reads arrivals, firings and what was merged. A part of a composite is asked about
// the part of the story that concerns it: for one that was started over, what came
// since; for one whose turn came late, what came after that.

// ready reports whether t fires, after s, at h.
func ready(t model.Trigger, s story, h happening) bool {
	switch t := t.(type) {
	case triggers.Default:
		return !h.onTime()
	case triggers.Never:
		return false
	case triggers.Always:
		return true
	case triggers.AfterCount:
		return !finished(t, s) && int64(len(counting(t, s))) >= t.N
	case triggers.AfterProcessingTime, triggers.AfterSynchronizedProcessingTime:
		for _, e := range counting(t, s) {
			if !finished(t, s) && deadline(t, e.now) <= h.now {
				return true
			}
		}
		return false
	case triggers.Repeatedly:
		return ready(t.Trigger, sinceStart(t.Trigger, s), h)
	case triggers.AfterWatermark:
		past, active := phase(t, s)
		part := t.Early
		if past {
			part = t.Late
		}
		return !past && !h.onTime() || part != nil && ready(part, active, h)
	case triggers.AfterEach:
		turn, own := course(t, s)
		return turn < len(t) && ready(t[turn], own[turn], h)
	case triggers.AfterAll, triggers.AfterAny, triggers.OrFinally:
		own, yes, _ := whole(t, s)
		return !yes && anyReady(t, own, h)
	}
	panic(fmt.Sprintf("reference: no definition of %T", t))
}

// finished reports whether t will never fire again, unless the window grows.
func finished(t model.Trigger, s story) bool {
	yes, _ := over(t, s)
	return yes
}

// over reports whether t has finished, and if so, whether it did by the end of the window:
// it would not have, had the watermark not reached that. Then it goes on in what the window
// becomes part of, if the end of that is yet to come.
func over(t model.Trigger, s story) (yes, byEnd bool) {
	switch t := t.(type) {
	case triggers.Default, triggers.Never, triggers.Always, triggers.Repeatedly:
		return false, false
	case triggers.AfterWatermark:
		past, _ := phase(t, s)
		return past && t.Late == nil, true
	case triggers.AfterEach:
		turn, own := course(t, s)
		for i := range turn {
			_, by := over(t[i], own[i])
			byEnd = byEnd || by
		}
		return turn == len(t), byEnd
	case triggers.AfterAll, triggers.AfterAny, triggers.OrFinally:
		_, yes, byEnd = whole(t, s)
		return yes, byEnd
	}
	for _, h := range s {
		switch h.what {
		case merged:
			yes = len(h.parts) > 0
			for _, p := range h.parts {
				yes = yes && finished(t, p)
			}
		case fired:
			yes = true
		}
	}
	return yes, false
}

// stops reports whether the firing at the end of s was t's last.
func stops(t model.Trigger, s story) bool {
	switch t.(type) {
	case triggers.AfterCount, triggers.AfterProcessingTime, triggers.AfterSynchronizedProcessingTime, triggers.AfterAll, triggers.AfterAny:
		return true
	}
	return finished(t, s)
}

// partsOf are the parts of a composite that finishes as a whole.
func partsOf(t model.Trigger) []model.Trigger {
	switch t := t.(type) {
	case triggers.AfterAll:
		return t
	case triggers.AfterAny:
		return t
	case triggers.OrFinally:
		return []model.Trigger{t.Main, t.Until}
	}
	return nil
}

// anyReady reports whether t fires at h, after what its parts know, each its own.
func anyReady(t model.Trigger, own []story, h happening) bool {
	_, all := t.(triggers.AfterAll)
	for i, part := range partsOf(t) {
		if yes := ready(part, own[i], h) || all && finished(part, own[i]); yes != all {
			return yes
		}
	}
	return all
}

// whole is what has happened to each part of t, a composite that finishes as a whole, and
// whether it has finished, as over says it.
func whole(t model.Trigger, s story) (own []story, yes, byEnd bool) {
	own = make([]story, len(partsOf(t)))
	for _, h := range s {
		switch {
		case h.what == merged:
			own, yes, byEnd = wholeOfMerged(t, h)
			continue
		case h.what == fired && !yes:
			own, yes, byEnd = wholeAfter(t, own, h)
			continue
		case h.what == fired:
			continue
		case h.what == grew && byEnd && h.onTime():
			yes, byEnd = false, false
		}
		for i := range own {
			own[i] = append(own[i], h)
		}
	}
	return own, yes, byEnd
}

// wholeOfMerged is whole for a window as h makes it of others: t goes on with what happened
// in those in which it does. If it does in none, what happened where it finished by the
// end is kept: the window may grow.
func wholeOfMerged(t model.Trigger, h happening) (own []story, yes, byEnd bool) {
	var going, ended [][]story
	for _, p := range h.parts {
		switch was, over, by := whole(t, p); {
		case !over || by && h.onTime():
			going = append(going, was)
		case by:
			ended = append(ended, was)
		}
	}
	if yes = len(h.parts) > 0 && going == nil; yes {
		going, byEnd = ended, ended != nil
	}
	for i := range partsOf(t) {
		all := h
		all.parts = nil
		for _, was := range going {
			all.parts = append(all.parts, was[i])
		}
		own = append(own, story{all})
	}
	return own, yes, byEnd
}

// wholeAfter is whole after t has fired at h. As it finishes, those parts that did not fire
// start over.
func wholeAfter(t model.Trigger, own []story, h happening) (left []story, yes, byEnd bool) {
	before := h
	before.wm = min(h.wm, h.end-1)
	if f, ok := t.(triggers.OrFinally); ok {
		main := append(slices.Clone(own[0]), h)
		switch {
		case ready(f.Until, own[1], h):
			return []story{nil, append(slices.Clone(own[1]), h)}, true, !ready(f.Until, own[1], before)
		case stops(f.Main, main):
			_, byEnd = over(f.Main, main)
			return []story{main, nil}, true, byEnd
		}
		return []story{main, own[1]}, false, false // Until does not hear of what Main fires
	}
	_, all := t.(triggers.AfterAll)
	for i, part := range partsOf(t) {
		var is story
		if all || ready(part, own[i], h) {
			is = append(slices.Clone(own[i]), h)
		}
		left = append(left, is)
	}
	return left, true, !anyReady(t, own, before)
}

// living is s without those merged windows in which t, which has no parts, had finished:
// what had been going on there is over.
func living(t model.Trigger, s story) story {
	return eachPart(s, func(p story) (story, bool) { return living(t, p), !finished(t, p) })
}

// eachPart is s with f done to the stories that were merged into it; those of which
// f says no are left out.
func eachPart(s story, f func(story) (story, bool)) (out story) {
	for _, h := range s {
		if h.what == merged {
			var parts []story
			for _, p := range h.parts {
				if q, keep := f(p); keep {
					parts = append(parts, q)
				}
			}
			h.parts = parts
		}
		out = append(out, h)
	}
	return out
}

// counting are the arrivals that matter to t, which fires but once.
func counting(t model.Trigger, s story) (list []happening) {
	for _, h := range living(t, s) {
		switch h.what {
		case merged:
			for _, p := range h.parts {
				list = append(list, counting(t, p)...)
			}
		case arrived:
			list = append(list, h)
		}
	}
	return list
}

// deadline is when t fires if its first element came at now.
func deadline(t model.Trigger, now model.Timestamp) model.Timestamp {
	p, ok := t.(triggers.AfterProcessingTime)
	if !ok {
		return now + 1
	}
	now += us(p.Delay)
	for p.Align > 0 && now%us(p.Align) != 0 {
		now++
	}
	return now
}

// sinceStart is what happened since t, which is started over whenever it finishes,
// was last started.
func sinceStart(t model.Trigger, s story) (out story) {
	for _, h := range eachPart(s, func(p story) (story, bool) { return sinceStart(t, p), true }) {
		out = append(out, h)
		if h.what == fired && stops(t, out) {
			out = nil
		}
	}
	return out
}

// phase reports whether t's on-time pane is past, and what has happened to the part
// that is active since it was last started.
func phase(t triggers.AfterWatermark, s story) (past bool, active story) {
	for _, h := range s {
		switch {
		case h.what == merged:
			var early, late []story
			for _, p := range h.parts {
				if past, own := phase(t, p); past {
					late = append(late, own)
				} else {
					early = append(early, own)
				}
			}
			past = len(late) > 0 && !h.onTime()
			if h.parts = early; past {
				h.parts = late
			}
			active = append(active, h)
		case h.what == grew && past && h.onTime(): // past the watermark: it is early again
			past, active = false, nil
		case h.what == fired && !past && !h.onTime():
			past, active = true, nil
		default:
			active = append(active, h)
			if part := t.Early; h.what == fired {
				if past {
					part = t.Late
				}
				if stops(part, active) {
					active = nil
				}
			}
		}
	}
	return past, active
}

// course is which of t's parts has its turn, and what has happened to that and to those
// before it. Of merged windows, those that are furthest back count. A part that goes on
// in a window that has grown has its turn again.
func course(t triggers.AfterEach, s story) (turn int, own []story) {
	own = []story{nil}
	for _, h := range s {
		switch {
		case h.what == merged && len(h.parts) > 0:
			turn, own = courseOfMerged(t, h)
		case h.what == merged || h.what == grew:
			for i := range own {
				own[i] = append(own[i], h)
			}
			for i := range turn {
				if !finished(t[i], own[i]) {
					turn, own = i, own[:i+1]
					break
				}
			}
		case turn == len(t):
		default:
			own[turn] = append(own[turn], h)
			if h.what == fired && stops(t[turn], own[turn]) {
				turn++
				if turn < len(t) {
					own = append(own, nil)
				}
			}
		}
	}
	return turn, own
}

// courseOfMerged is the course of a window as h makes it of others.
func courseOfMerged(t triggers.AfterEach, h happening) (turn int, own []story) {
	for i := range t {
		var past, back []story
		for _, p := range h.parts {
			at, stories := course(t, p)
			if i >= len(stories) {
				continue
			}
			past = append(past, stories[i])
			if _, by := over(t[i], stories[i]); at == i || by && h.onTime() {
				back = append(back, stories[i])
			}
		}
		all := h
		if all.parts = past; len(back) > 0 {
			all.parts = back
		}
		if own = append(own, story{all}); len(back) > 0 {
			return i, own
		}
	}
	return len(t), own
}

// asks are the processing times at which t, after s, is to be asked again: those for
// which a part that has a say waits.
func asks(t model.Trigger, s story, h happening) (at []model.Timestamp) {
	if finished(t, s) {
		return nil
	}
	switch t := t.(type) {
	case triggers.AfterProcessingTime, triggers.AfterSynchronizedProcessingTime:
		for _, e := range counting(t, s) {
			at = append(at, deadline(t, e.now))
		}
		return at
	case triggers.Repeatedly:
		return asks(t.Trigger, sinceStart(t.Trigger, s), h)
	case triggers.AfterWatermark:
		switch past, active := phase(t, s); {
		case past && t.Late != nil:
			return asks(t.Late, active, h)
		case !past && h.onTime() && t.Early != nil:
			return asks(t.Early, active, h)
		}
	case triggers.AfterEach:
		if turn, own := course(t, s); turn < len(t) {
			return asks(t[turn], own[turn], h)
		}
	}
	own, _, _ := whole(t, s)
	for i, part := range partsOf(t) {
		at = append(at, asks(part, own[i], h)...)
	}
	return at
}
